//go:build linux || libpcap

package capture

func (o LiveOptions) withDefaults() LiveOptions {
	if o.SnapLen <= 0 {
		o.SnapLen = DefaultSnapLen
	}
	if o.Buffer <= 0 {
		o.Buffer = DefaultBuffer
	}
	if o.Timeout <= 0 {
		o.Timeout = DefaultTimeout
	}
	return o
}
