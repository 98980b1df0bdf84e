package org.eclipse.jetty.security;

/** The one class that a Connect worker names and the wheel with its libraries lacks; it never makes one. */
public abstract class SecurityHandler extends org.eclipse.jetty.server.Handler.Wrapper {}
