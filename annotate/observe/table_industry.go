package observe

// industry are the protocols of databases, messaging, mobile networks, tunnels
// and plants.
var industry = []recogniser{}
