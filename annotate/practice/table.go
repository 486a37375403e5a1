package practice

import "github.com/portannot/portannot/annotate/iana"

// The documents, each at the version that was read.
var (
	tailscaleDefaults         = Document{"tailscaled.defaults, the default settings of tailscaled", "https://github.com/tailscale/tailscale/blob/0267fe83b200f1702a2fa0a395442c02a053fadb/cmd/tailscaled/tailscaled.defaults", "2026-12-01"}
	syncthingFirewall         = Document{"Syncthing documentation: Firewall Setup", "https://github.com/syncthing/docs/blob/1bfc2a39135e5c1b2a786f6cdb85d9d7ca233896/users/firewall.rst", "2026-12-01"}
	kubernetesPorts           = Document{"Kubernetes documentation: Ports and Protocols", "https://github.com/kubernetes/website/blob/31a8f95edf918abb97b71193d74d9ff9513826a1/content/en/docs/reference/networking/ports-and-protocols.md", "2026-12-01"}
	warpFirewall              = Document{"Cloudflare One documentation: WARP with firewall", "https://github.com/cloudflare/cloudflare-docs/blob/0f863c170a335e85fdecb54c540464245f27c8ba/src/content/docs/cloudflare-one/connections/connect-devices/warp/deployment/firewall.mdx", "2026-12-01"}
	ciliumRequirements        = Document{"Cilium documentation: System Requirements, Firewall Rules", "https://github.com/cilium/cilium/blob/00c88111b78be84b2bb583ad20634819e94abd09/Documentation/operations/system_requirements.rst", "2026-12-01"}
	transmissionConfiguration = Document{"Transmission documentation: Editing Configuration Files", "https://github.com/transmission/transmission/blob/01121c7687c8a9a95b2c8d2dbf8f64cb578f9e98/docs/Editing-Configuration-Files.md", "2026-12-01"}
	consulPorts               = Document{"Consul documentation: Required Ports", "https://github.com/hashicorp/consul/blob/186bdda26a03bcfe98c093b6e33daadc71c98beb/website/content/docs/install/ports.mdx", "2026-12-01"}
	jellyfinNetworking        = Document{"Jellyfin documentation: Networking", "https://github.com/jellyfin/jellyfin.org/blob/07cc9b90d2a88393bd4667232511bbdb7fd575a4/docs/general/post-install/networking/index.md", "2026-12-01"}
	nebulaConfiguration       = Document{"Nebula example configuration", "https://github.com/slackhq/nebula/blob/009d42b4f59cc62010239352befe2706adf7212a/examples/config.yml", "2026-12-01"}
	k3sRequirements           = Document{"K3s documentation: Requirements", "https://github.com/k3s-io/docs/blob/005d295410cd2ed4539880c00e0cd3fa62f1b64d/docs/installation/requirements.md", "2026-12-01"}
	rabbitMQNetworking        = Document{"RabbitMQ documentation: Networking and RabbitMQ", "https://github.com/rabbitmq/rabbitmq-website/blob/29cb9ecf131223ad9b7faf61921ac3683008f722/docs/networking.md", "2026-12-01"}
	swarmTutorial             = Document{"Docker documentation: Getting started with Swarm mode", "https://github.com/docker/docs/blob/2297b955b4510e5262793f3c123c419ac1ae9457/content/manuals/engine/swarm/swarm-tutorial/_index.md", "2026-12-01"}
	saltFirewall              = Document{"Salt documentation: Opening the Firewall up for Salt", "https://github.com/saltstack/salt/blob/01be1680aa021c02dd34f569fefd6f5a10071d0b/doc/topics/tutorials/firewall.rst", "2026-12-01"}
	gethReadme                = Document{"Go Ethereum README", "https://github.com/ethereum/go-ethereum/blob/004d1331bd16b796da41ddaef4a0ddf58a59e683/README.md", "2026-12-01"}
	sentinelConfiguration     = Document{"Redis example sentinel.conf", "https://github.com/redis/redis/blob/0047702aabdf53651e65cda8f1e7f7ed432353e7/sentinel.conf", "2026-12-01"}
	homeAssistantHTTP         = Document{"Home Assistant documentation: HTTP", "https://github.com/home-assistant/home-assistant.io/blob/01c9ab90ad158220114e9e48cd8a27dfac6b1cca/source/_integrations/http.markdown", "2026-12-01"}
)

// table has the entries by first port, then by transport. To add one, read the document.
var table = []Entry{
	{iana.UDP, iana.Span{First: 2408, Last: 2408}, "Cloudflare WARP", "WireGuard tunnel", &warpFirewall},
	{iana.TCP, iana.Span{First: 4240, Last: 4240}, "Cilium", "health checks", &ciliumRequirements},
	{iana.UDP, iana.Span{First: 4242, Last: 4242}, "Nebula", "VPN traffic between nodes", &nebulaConfiguration},
	{iana.TCP, iana.Span{First: 4244, Last: 4244}, "Cilium", "Hubble server", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 4245, Last: 4245}, "Cilium", "Hubble Relay", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 4505, Last: 4505}, "Salt", "master", &saltFirewall},
	{iana.TCP, iana.Span{First: 4506, Last: 4506}, "Salt", "master", &saltFirewall},
	{iana.TCP, iana.Span{First: 5001, Last: 5001}, "K3s", "embedded registry (Spegel)", &k3sRequirements},
	{iana.TCP, iana.Span{First: 5551, Last: 5551}, "RabbitMQ", "streams with TLS", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 5552, Last: 5552}, "RabbitMQ", "streams", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 6443, Last: 6443}, "K3s", "supervisor and API server", &k3sRequirements},
	{iana.TCP, iana.Span{First: 6443, Last: 6443}, "Kubernetes", "API server", &kubernetesPorts},
	{iana.UDP, iana.Span{First: 7359, Last: 7359}, "Jellyfin", "client discovery", &jellyfinNetworking},
	{iana.TCP, iana.Span{First: 7946, Last: 7946}, "Docker Swarm", "discovery of nodes of overlay networks", &swarmTutorial},
	{iana.UDP, iana.Span{First: 7946, Last: 7946}, "Docker Swarm", "discovery of nodes of overlay networks", &swarmTutorial},
	{iana.UDP, iana.Span{First: 8095, Last: 8095}, "Cloudflare WARP", "MASQUE tunnel, fallback", &warpFirewall},
	{iana.TCP, iana.Span{First: 8096, Last: 8096}, "Jellyfin", "HTTP", &jellyfinNetworking},
	{iana.TCP, iana.Span{First: 8123, Last: 8123}, "Home Assistant", "web interface and APIs", &homeAssistantHTTP},
	{iana.TCP, iana.Span{First: 8300, Last: 8300}, "Consul", "server RPC", &consulPorts},
	{iana.TCP, iana.Span{First: 8301, Last: 8301}, "Consul", "Serf gossip in the LAN", &consulPorts},
	{iana.UDP, iana.Span{First: 8301, Last: 8301}, "Consul", "Serf gossip in the LAN", &consulPorts},
	{iana.TCP, iana.Span{First: 8302, Last: 8302}, "Consul", "Serf gossip over the WAN", &consulPorts},
	{iana.UDP, iana.Span{First: 8302, Last: 8302}, "Consul", "Serf gossip over the WAN", &consulPorts},
	{iana.TCP, iana.Span{First: 8384, Last: 8384}, "Syncthing", "web interface", &syncthingFirewall},
	{iana.UDP, iana.Span{First: 8472, Last: 8472}, "Cilium", "VXLAN overlay", &ciliumRequirements},
	{iana.UDP, iana.Span{First: 8472, Last: 8472}, "K3s", "Flannel VXLAN", &k3sRequirements},
	{iana.TCP, iana.Span{First: 8500, Last: 8500}, "Consul", "HTTP API", &consulPorts},
	{iana.TCP, iana.Span{First: 8545, Last: 8545}, "Go Ethereum", "JSON-RPC over HTTP", &gethReadme},
	{iana.TCP, iana.Span{First: 8546, Last: 8546}, "Go Ethereum", "JSON-RPC over WebSockets", &gethReadme},
	{iana.TCP, iana.Span{First: 8600, Last: 8600}, "Consul", "DNS", &consulPorts},
	{iana.UDP, iana.Span{First: 8600, Last: 8600}, "Consul", "DNS", &consulPorts},
	{iana.TCP, iana.Span{First: 8920, Last: 8920}, "Jellyfin", "HTTPS", &jellyfinNetworking},
	{iana.TCP, iana.Span{First: 9091, Last: 9091}, "Transmission", "remote control", &transmissionConfiguration},
	{iana.TCP, iana.Span{First: 9962, Last: 9962}, "Cilium", "metrics of the agent", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 9963, Last: 9963}, "Cilium", "metrics of the operator", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 9964, Last: 9964}, "Cilium", "metrics of Envoy", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 10250, Last: 10250}, "K3s", "kubelet", &k3sRequirements},
	{iana.TCP, iana.Span{First: 10250, Last: 10250}, "Kubernetes", "kubelet", &kubernetesPorts},
	{iana.TCP, iana.Span{First: 10256, Last: 10256}, "K3s", "health of kube-proxy", &k3sRequirements},
	{iana.TCP, iana.Span{First: 10257, Last: 10257}, "Kubernetes", "kube-controller-manager", &kubernetesPorts},
	{iana.TCP, iana.Span{First: 10259, Last: 10259}, "Kubernetes", "kube-scheduler", &kubernetesPorts},
	{iana.TCP, iana.Span{First: 15671, Last: 15671}, "RabbitMQ", "HTTP API and management with TLS", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 15672, Last: 15672}, "RabbitMQ", "HTTP API and management", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 15674, Last: 15674}, "RabbitMQ", "STOMP over WebSockets", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 15675, Last: 15675}, "RabbitMQ", "MQTT over WebSockets", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 15691, Last: 15691}, "RabbitMQ", "Prometheus metrics with TLS", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 15692, Last: 15692}, "RabbitMQ", "Prometheus metrics", &rabbitMQNetworking},
	{iana.UDP, iana.Span{First: 21027, Last: 21027}, "Syncthing", "local discovery", &syncthingFirewall},
	{iana.TCP, iana.Span{First: 22000, Last: 22000}, "Syncthing", "synchronisation", &syncthingFirewall},
	{iana.TCP, iana.Span{First: 25672, Last: 25672}, "RabbitMQ", "traffic between nodes, and of command-line tools", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 26379, Last: 26379}, "Redis", "Sentinel", &sentinelConfiguration},
	{iana.TCP, iana.Span{First: 30000, Last: 32767}, "Kubernetes", "NodePort services", &kubernetesPorts},
	{iana.TCP, iana.Span{First: 30303, Last: 30303}, "Go Ethereum", "peers", &gethReadme},
	{iana.TCP, iana.Span{First: 35672, Last: 35682}, "RabbitMQ", "command-line tools", &rabbitMQNetworking},
	{iana.UDP, iana.Span{First: 41641, Last: 41641}, "Tailscale", "VPN traffic between nodes", &tailscaleDefaults},
	{iana.TCP, iana.Span{First: 51413, Last: 51413}, "Transmission", "BitTorrent peers", &transmissionConfiguration},
	{iana.UDP, iana.Span{First: 51820, Last: 51820}, "K3s", "Flannel WireGuard, IPv4", &k3sRequirements},
	{iana.UDP, iana.Span{First: 51821, Last: 51821}, "K3s", "Flannel WireGuard, IPv6", &k3sRequirements},
	{iana.UDP, iana.Span{First: 51871, Last: 51871}, "Cilium", "WireGuard encryption", &ciliumRequirements},
	{iana.TCP, iana.Span{First: 61613, Last: 61613}, "RabbitMQ", "STOMP", &rabbitMQNetworking},
	{iana.TCP, iana.Span{First: 61614, Last: 61614}, "RabbitMQ", "STOMP with TLS", &rabbitMQNetworking},
}
