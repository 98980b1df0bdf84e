/// Keys of TLS, SASL and access control. A node that is asked for protection it can't give does not start.
extension SettingTable {
    static let security: [Setting] =
        [
            .refused(
                "authorizer.class.name", .className, "", .accessControl, "The class that decides who may do what."),
            .ignored(
                "allow.everyone.if.no.acl.found", .boolean, "false", .accessControl,
                "Whether what has no rule is open; without an authorizer everything is."),
            .ignored("super.users", .string, "", .accessControl, "Who may do everything."),
            .ignored("principal.builder.class", .className, nil, .accessControl, "The class that names principals."),
            .ignored("security.providers", .string, nil, .javaClass, "Classes that give security algorithms."),
            .ignored("delegation.token.secret.key", .password, nil, .delegationTokens, "The key that signs tokens."),
            .ignored(
                "delegation.token.max.lifetime.ms", wholeMilliseconds, "604800000", .delegationTokens,
                "The longest life."),
            .ignored(
                "delegation.token.expiry.time.ms", wholeMilliseconds, "86400000", .delegationTokens,
                "The time to renew."),
            .ignored(
                "delegation.token.expiry.check.interval.ms", wholeMilliseconds, "3600000", .delegationTokens,
                "How often expired tokens are removed."),
            .ignored("connections.max.reauth.ms", notNegative, "0", .authentication, "The time to log in again."),
            .ignored(
                "connection.failed.authentication.delay.ms", count, "100", .authentication,
                "How long a failed login is left waiting."),
        ] + tls + sasl

    private static let tls: [Setting] = [
        .refused("ssl.keystore.location", .string, nil, .encryption, "The file of this node's certificate."),
        .refused("ssl.keystore.key", .password, nil, .encryption, "The private key itself."),
        .refused("ssl.keystore.certificate.chain", .password, nil, .encryption, "The certificate itself."),
        .refused("ssl.keystore.password", .password, nil, .encryption, "The password of that file."),
        .refused("ssl.key.password", .password, nil, .encryption, "The password of the private key."),
        .refused("ssl.truststore.location", .string, nil, .encryption, "The file of trusted certificates."),
        .refused("ssl.truststore.certificates", .password, nil, .encryption, "Trusted certificates themselves."),
        .refused("ssl.truststore.password", .password, nil, .encryption, "The password of that file."),
        .refused(
            "ssl.client.auth", .choice(["required", "requested", "none"]), "none", .encryption,
            "Whether clients show certificates.", harmless: ["none"]),
        .ignored("ssl.keystore.type", .string, "JKS", .encryption, "The form of the certificate's file."),
        .ignored("ssl.truststore.type", .string, "JKS", .encryption, "The form of the trusted certificates' file."),
        .ignored("ssl.protocol", .string, "TLSv1.3", .encryption, "The version of TLS."),
        .ignored("ssl.enabled.protocols", .list, "TLSv1.2,TLSv1.3", .encryption, "The versions that are accepted."),
        .ignored("ssl.cipher.suites", .list, "", .encryption, "The ciphers that are accepted."),
        .ignored("ssl.provider", .string, nil, .encryption, "Who gives TLS."),
        .ignored("ssl.keymanager.algorithm", .string, nil, .encryption, "How certificates are chosen."),
        .ignored("ssl.trustmanager.algorithm", .string, nil, .encryption, "How they are checked."),
        .ignored("ssl.endpoint.identification.algorithm", .string, "https", .encryption, "How names are checked."),
        .ignored("ssl.secure.random.implementation", .string, nil, .encryption, "Where chance comes from."),
        .ignored("ssl.engine.factory.class", .className, nil, .encryption, "The class that gives TLS."),
        .ignored("ssl.principal.mapping.rules", .string, "DEFAULT", .encryption, "How names become principals."),
        .ignored("ssl.allow.dn.changes", .boolean, "false", .encryption, "Whether a new certificate may differ."),
        .ignored("ssl.allow.san.changes", .boolean, "false", .encryption, "The same for other names in it."),
    ]

    private static let sasl: [Setting] = [
        .refused("sasl.enabled.mechanisms", .list, nil, .authentication, "How clients may log in."),
        .refused("sasl.mechanism.inter.broker.protocol", .string, nil, .authentication, "How brokers log in."),
        .refused(
            "sasl.mechanism.controller.protocol", .string, nil, .authentication, "How nodes log in at controllers."),
        .refused("sasl.jaas.config", .password, nil, .authentication, "Names and passwords."),
        .ignored("sasl.mechanism", .string, nil, .authentication, "A client's key."),
        .ignored("sasl.client.callback.handler.class", .className, nil, .authentication, "A class of login."),
        .ignored("sasl.server.callback.handler.class", .className, nil, .authentication, "A class of login."),
        .ignored("sasl.login.callback.handler.class", .className, nil, .authentication, "A class of login."),
        .ignored("sasl.login.class", .className, nil, .authentication, "A class of login."),
        .ignored("sasl.login.connect.timeout.ms", anyInt, nil, .authentication, "How long a token's issuer may take."),
        .ignored("sasl.login.read.timeout.ms", anyInt, nil, .authentication, "The same for its answer."),
        .ignored(
            "sasl.login.retry.backoff.ms", anyInteger, "100", .authentication, "The pause before it is asked again."),
        .ignored("sasl.login.retry.backoff.max.ms", anyInteger, "10000", .authentication, "The longest one."),
        .ignored(
            "sasl.login.refresh.window.factor", .double(0.5...1), "0.8", .authentication, "When a token is renewed."),
        .ignored("sasl.login.refresh.window.jitter", .double(0...0.25), "0.05", .authentication, "Chance in that."),
        .ignored("sasl.login.refresh.min.period.seconds", .integer(0...900), "60", .authentication, "The least wait."),
        .ignored(
            "sasl.login.refresh.buffer.seconds", .integer(0...3_600), "300", .authentication, "The time kept free."),
        .ignored("sasl.server.max.receive.size", anyInt, "524288", .authentication, "The largest frame before login."),
        .ignored("sasl.kerberos.service.name", .string, nil, .authentication, "Kerberos."),
        .ignored("sasl.kerberos.kinit.cmd", .string, "/usr/bin/kinit", .authentication, "Kerberos."),
        .ignored("sasl.kerberos.ticket.renew.window.factor", .double(0...1), "0.8", .authentication, "Kerberos."),
        .ignored("sasl.kerberos.ticket.renew.jitter", .double(0...1), "0.05", .authentication, "Kerberos."),
        .ignored("sasl.kerberos.min.time.before.relogin", anyInteger, "60000", .authentication, "Kerberos."),
        .ignored("sasl.kerberos.principal.to.local.rules", .list, "DEFAULT", .authentication, "Kerberos."),
        .ignored("sasl.oauthbearer.scope.claim.name", .string, "scope", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.sub.claim.name", .string, "sub", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.token.endpoint.url", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwks.endpoint.url", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwks.endpoint.refresh.ms", anyInteger, "3600000", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwks.endpoint.retry.backoff.ms", anyInteger, "100", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwks.endpoint.retry.backoff.max.ms", anyInteger, "10000", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.clock.skew.seconds", anyInt, "30", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.expected.audience", .list, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.expected.issuer", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.header.urlencode", .boolean, "false", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.algorithm", .string, "RS256", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.aud", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.iss", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.sub", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.exp.seconds", anyInt, "300", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.nbf.seconds", anyInt, "60", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.claim.jti.include", .boolean, "false", .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.file", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.private.key.file", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.private.key.passphrase", .password, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.assertion.template.file", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.client.credentials.client.id", .string, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.client.credentials.client.secret", .password, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwt.retriever.class", .className, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.jwt.validator.class", .className, nil, .authentication, "OAuth."),
        .ignored("sasl.oauthbearer.scope", .string, nil, .authentication, "OAuth."),
    ]
}
