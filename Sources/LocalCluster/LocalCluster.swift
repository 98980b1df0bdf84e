// The first file of LocalCluster goes here.
