// The first file of BrokerServer goes here.
