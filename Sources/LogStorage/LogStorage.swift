// The first file of LogStorage goes here.
