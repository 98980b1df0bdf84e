// The first file of WireProtocol goes here.
