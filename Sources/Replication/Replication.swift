// The first file of Replication goes here.
