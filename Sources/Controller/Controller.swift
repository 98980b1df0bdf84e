// The first file of Controller goes here.
