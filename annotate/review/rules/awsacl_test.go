package rules

import (
	"strings"
	"testing"
)

func TestNetworkACLs(t *testing.T) {
	ask(t, readFiles(t, Options{}, "network-acls.json", "subnets.json"), []question{
		{"tcp 198.51.100.7:50000 10.1.1.5:443", "allow", "acl-0web ingress 100"},
		{"tcp 203.0.113.7:50000 10.1.1.5:443", "deny", "acl-0web ingress 50"}, // numbers decide, not the order in the file
		{"tcp 198.51.100.7:50000 10.1.1.5:80", "deny", "ingress default"},
		{"tcp 198.51.100.7:1000 10.1.1.5:443", "deny", "answers: rule acl-0web egress default"},
		{"tcp 198.51.100.7 10.1.1.5:443", "unknown", "answers"}, // the client's port is not known
		{"tcp 2001:db8::7:1 [2001:db8:1::5]:443", "deny", "answers"},
		{"tcp 10.1.1.5:50000 10.1.2.9:5432", "allow", ""},
		{"tcp 10.1.1.5:30000 10.1.2.9:5432", "deny", "answers: rule acl-0db"},
		{"tcp 10.1.3.5:50000 10.1.2.9:5432", "unknown", "subnet-other is not given"},
		{"tcp 10.1.1.5:50000 198.51.100.7:8443", "allow", "acl-0web"},
		{"tcp 10.1.1.5:50000 198.51.100.7:443", "deny", "egress default"},
		{"tcp 10.1.1.5:50000 10.1.1.6:22", "unknown", ""}, // within a subnet they are not asked
		{"tcp 192.0.2.1:50000 198.51.100.7:443", "unknown", "no rules"},
		{"udp 198.51.100.7:50000 10.1.1.5:443", "deny", ""},
	})
	ask(t, readFiles(t, Options{}, "network-acls.json"), []question{
		{"tcp 198.51.100.7:50000 10.1.1.5:443", "unknown", "describe-subnets"},
		{"udp 198.51.100.7:50000 10.1.1.5:443", "deny", ""}, // by all of them
	})
	// Groups and lists both have to let a connection through.
	groups := `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":80,"ToPort":443,"IpRanges":[{"CidrIp":"0.0.0.0/0"}]}]}]}`
	enis := `{"NetworkInterfaces":[{"NetworkInterfaceId":"eni-1","SubnetId":"subnet-web","PrivateIpAddress":"10.1.1.5","PrivateIpAddresses":[{"PrivateIpAddress":"10.1.1.5"}],"Groups":[{"GroupId":"sg-1"}]}]}`
	acls := strings.Join(seedsOf(t, "network-acls.json"), "\n")
	subnets := strings.Join(seedsOf(t, "subnets.json"), "\n")
	ask(t, readText(t, Options{}, groups, enis, acls, subnets), []question{
		{"tcp 198.51.100.7:50000 10.1.1.5:443", "allow", ""},
		{"tcp 198.51.100.7:50000 10.1.1.5:80", "deny", "acl-0web"},
		{"tcp 198.51.100.7:50000 10.1.1.5:8443", "deny", "sg-1"},
	})
}

// TestPrefixLists: a rule that names a list is decided by what the list holds.
func TestPrefixLists(t *testing.T) {
	groups := `{"SecurityGroups":[{"GroupId":"sg-1","IpPermissions":[{"IpProtocol":"tcp","FromPort":443,"ToPort":443,"PrefixListIds":[{"PrefixListId":"pl-1"}]}]}]}`
	enis := `{"NetworkInterfaces":[{"PrivateIpAddress":"10.1.1.5","Groups":[{"GroupId":"sg-1"}]}]}`
	asked := []question{
		{"tcp 192.0.2.7 10.1.1.5:443", "allow", "from pl-1"}, {"tcp 2001:db8::1 [2001:db8::2]:443", "unknown", ""}, {"tcp 198.51.100.7 10.1.1.5:443", "deny", ""},
	}
	ask(t, readText(t, Options{}, groups, enis, `{"PrefixLists":[{"Cidrs":["192.0.2.0/24","203.0.113.0/24"],"PrefixListId":"pl-1","PrefixListName":"com.amazonaws.x.s3"}]}`), asked)
	fw, err := Read([]Source{{"g", strings.NewReader(groups)}, {"e", strings.NewReader(enis)}, {"dir/pl-1.json", strings.NewReader(`{"Entries":[{"Cidr":"192.0.2.0/24","Description":"x"}]}`)}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, fw, asked)
	ask(t, readText(t, Options{}, groups, enis), []question{{"tcp 192.0.2.7 10.1.1.5:443", "unknown", "prefix list"}})
}

func FuzzNetworkACLs(f *testing.F) {
	for _, line := range seeds(f, "network-acls.json") {
		f.Add(strings.TrimSuffix(strings.TrimSpace(line), ","), "10.1.1.0/24")
	}
	f.Fuzz(func(t *testing.T, entry, cidr string) {
		readAndAsk(t, `{"NetworkAcls":[{"NetworkAclId":"a","Associations":[{"SubnetId":"s"}],"Entries":[`+entry+`]}]}`, `{"Subnets":[{"SubnetId":"s","CidrBlock":"`+cidr+`"}]}`)
		readAndAsk(t, `{"NetworkAcls":[`+entry+`]}`)
		readAndAsk(t, `{"SecurityGroups":[{"GroupId":"g","IpPermissions":[{"IpProtocol":"-1","PrefixListIds":[{"PrefixListId":"p"}]}]}]}`, `{"PrefixLists":[{"PrefixListId":"p","Cidrs":["`+cidr+`"]}],"Subnets":[`+entry+`]}`)
	})
}
