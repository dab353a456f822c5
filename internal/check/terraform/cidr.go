package terraform

import (
	"errors"
	"math/big"
	"net/netip"

	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
)

// cidrSubnetFunc is cidrsubnet(prefix, newbits, netnum).
var cidrSubnetFunc = function.New(&function.Spec{
	Params: []function.Parameter{{Name: "prefix", Type: cty.String}, {Name: "newbits", Type: cty.Number}, {Name: "netnum", Type: cty.Number}},
	Type:   function.StaticReturnType(cty.String),
	Impl: func(args []cty.Value, _ cty.Type) (cty.Value, error) {
		bits, _ := args[1].AsBigFloat().Int64()
		number, _ := args[2].AsBigFloat().Int64()
		out, err := subnet(args[0].AsString(), int(bits), number)
		return cty.StringVal(out), err
	},
})

// subnet returns the n-th prefix that is bits longer.
func subnet(prefix string, bits int, n int64) (string, error) {
	p, err := netip.ParsePrefix(prefix)
	if err != nil {
		return "", err
	}
	size := p.Bits() + bits
	if bits < 0 || size > p.Addr().BitLen() || n < 0 || bits < 62 && n >= 1<<bits {
		return "", errors.New("the prefix does not have that subnet")
	}
	base := p.Masked().Addr().AsSlice()
	sum := new(big.Int).SetBytes(base)
	sum.Add(sum, new(big.Int).Lsh(big.NewInt(n), uint(p.Addr().BitLen()-size)))
	addr, _ := netip.AddrFromSlice(sum.FillBytes(make([]byte, len(base))))
	return netip.PrefixFrom(addr, size).String(), nil
}
