// The first file of Quorum goes here.
