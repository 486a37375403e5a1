package observe

// industrySamples are those of the recognisers in table_industry.go.
var industrySamples []sample
