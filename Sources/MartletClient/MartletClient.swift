// The first file of MartletClient goes here.
