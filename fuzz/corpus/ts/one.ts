# of one channel
@univariate true
@equalLength true
@seriesLength 3
@classLabel true 1 2
@data
1.5,2,-3e-1:1
0,?,1:2
