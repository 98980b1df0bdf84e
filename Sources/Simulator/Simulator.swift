// The first file of Simulator goes here.
