package wire

import (
	"encoding/json"
	"errors"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/neargate/neargate/internal/testenv"
)

// malformedCase is one of smithy's requests that a server must refuse.
type malformedCase struct {
	ID      string `json:"id"`
	Target  string `json:"_target"`
	Kind    string `json:"_kind"`
	Request struct {
		Method, URI, Body string
		Headers           map[string]string
		QueryParams       []string
	} `json:"request"`
	Response struct {
		Headers map[string]string
	} `json:"response"`
	Parameters map[string][]string `json:"testParameters"`
}

// The shapes of the malformed-request cases, made by hand: the suite carries none.
type (
	numbers[T any] struct {
		Body   *T  `aws:"InBody"`
		Query  *T  `aws:"InQuery,in=querystring"`
		Header *T  `aws:"InHeader,in=header"`
		Path   *T  `aws:"InPath,in=uri"`
		List   []T `aws:"List,in=header,loc=numList"`
	}
	booleans struct {
		Body   *bool `aws:"booleanInBody"`
		Query  *bool `aws:"booleanInQuery,in=querystring"`
		Header *bool `aws:"booleanInHeader,in=header"`
		Path   *bool `aws:"booleanInPath,in=uri"`
	}
	blobs struct {
		Blob []byte `aws:"blob"`
	}
	lists struct {
		List []string `aws:"bodyList"`
	}
	maps struct {
		Map map[string]string `aws:"bodyMap"`
	}
	bodies struct {
		Int   *int32   `aws:"int"`
		Float *float32 `aws:"float"`
	}
	twoWays struct {
		Int    *int32 `aws:"int,union"`
		String string `aws:"string,union"`
	}
	unions struct {
		Union *twoWays `aws:"union"`
	}
	letters string
	enums   struct {
		String letters             `aws:"string"`
		Trait  letters             `aws:"stringWithEnumTrait"`
		Union  *enumUnion          `aws:"union"`
		List   []letters           `aws:"list"`
		Map    map[letters]letters `aws:"map"`
	}
	enumUnion struct {
		First  letters `aws:"first,union"`
		Second letters `aws:"second,union"`
	}
	patternUnion struct {
		First  string `aws:"first,union" pattern:"^[a-m]+$"`
		Second string `aws:"second,union" pattern:"^[a-m]+$"`
	}
	lengths struct {
		Blob   []byte              `aws:"blob,min=2,max=8"`
		String *string             `aws:"string,min=2,max=8"`
		Min    *string             `aws:"minString,min=2"`
		Max    *string             `aws:"maxString,max=8"`
		List   []string            `aws:"list,min=2,max=8,m.min=2,m.max=8"`
		Map    map[string][]string `aws:"map,min=2,max=8,k.min=2,k.max=8,v.min=2,v.max=8"`
	}
	patterns struct {
		String string            `aws:"string" pattern:"^[a-m]+$"`
		Union  *patternUnion     `aws:"union"`
		Evil   string            `aws:"evilString" pattern:"^([0-9]+)+$"`
		List   []string          `aws:"list" m.pattern:"^[a-m]+$"`
		Map    map[string]string `aws:"map" k.pattern:"^[a-m]+$" v.pattern:"^[a-m]+$"`
	}
	ranges struct {
		Byte     *int8    `aws:"byte,min=2,max=8"`
		MinByte  *int8    `aws:"minByte,min=2"`
		MaxByte  *int8    `aws:"maxByte,max=8"`
		Short    *int16   `aws:"short,min=2,max=8"`
		MinShort *int16   `aws:"minShort,min=2"`
		MaxShort *int16   `aws:"maxShort,max=8"`
		Int      *int32   `aws:"integer,min=2,max=8"`
		MinInt   *int32   `aws:"minInteger,min=2"`
		MaxInt   *int32   `aws:"maxInteger,max=8"`
		Long     *int64   `aws:"long,min=2,max=8"`
		MinLong  *int64   `aws:"minLong,min=2"`
		MaxLong  *int64   `aws:"maxLong,max=8"`
		Float    *float64 `aws:"float,min=2.2,max=8.8"`
		MinFloat *float64 `aws:"minFloat,min=2.2"`
		MaxFloat *float64 `aws:"maxFloat,max=8.8"`
	}
	needed struct {
		String string `aws:"string,required"`
		Query  string `aws:"stringInQuery,required,in=querystring"`
		Header string `aws:"stringInHeaders,required,in=header,loc=string-in-headers"`
	}
	secretText struct {
		String string `aws:"string,sensitive" pattern:"^[a-m]+$"`
	}
	nest struct {
		Union  *nest  `aws:"union,union"`
		String choice `aws:"string,union"`
	}
	nests struct {
		Union *nest `aws:"union"`
	}
	choice string
)

func (letters) EnumValues() []string { return []string{"abc", "def", "jkl"} }
func (choice) EnumValues() []string  { return []string{"abc", "def"} }

type (
	timeBodyDefault struct {
		T time.Time `aws:"timestamp"`
	}
	timeBodyISO struct {
		T time.Time `aws:"timestamp,ts=iso8601"`
	}
	timeBodyHTTP struct {
		T time.Time `aws:"timestamp,ts=rfc822"`
	}
	timeHeader struct {
		T time.Time `aws:"timestamp,in=header"`
	}
	timeHeaderISO struct {
		T time.Time `aws:"timestamp,in=header,ts=iso8601"`
	}
	timeHeaderEpoch struct {
		T time.Time `aws:"timestamp,in=header,ts=unixTimestamp"`
	}
	timePath struct {
		T time.Time `aws:"timestamp,in=uri"`
	}
	timePathHTTP struct {
		T time.Time `aws:"timestamp,in=uri,ts=rfc822"`
	}
	timePathEpoch struct {
		T time.Time `aws:"timestamp,in=uri,ts=unixTimestamp"`
	}
	timeQuery struct {
		T time.Time `aws:"timestamp,in=querystring"`
	}
	timeQueryHTTP struct {
		T time.Time `aws:"timestamp,in=querystring,ts=rfc822"`
	}
	timeQueryEpoch struct {
		T time.Time `aws:"timestamp,in=querystring,ts=unixTimestamp"`
	}
)

func of[T any](uri string) *Operation {
	return &Operation{Method: "POST", URI: uri, NewInput: func() any { return new(T) }}
}

// number makes the operation of MalformedByte and its like, whose members are named after the type.
var malformedTargets = map[string]*Operation{
	"MalformedBlob": of[blobs]("/MalformedBlob"), "MalformedBoolean": of[booleans]("/MalformedBoolean/{booleanInPath}"),
	"MalformedByte": of[numbers[int8]]("/MalformedByte/{InPath}"), "MalformedShort": of[numbers[int16]]("/MalformedShort/{InPath}"),
	"MalformedInteger": of[numbers[int32]]("/MalformedInteger/{InPath}"), "MalformedLong": of[numbers[int64]]("/MalformedLong/{InPath}"),
	"MalformedFloat": of[numbers[float32]]("/MalformedFloat/{InPath}"), "MalformedDouble": of[numbers[float64]]("/MalformedDouble/{InPath}"),
	"MalformedList": of[lists]("/MalformedList"), "MalformedMap": of[maps]("/MalformedMap"), "MalformedRequestBody": of[bodies]("/MalformedRequestBody"),
	"MalformedUnion": of[unions]("/MalformedUnion"), "MalformedEnum": of[enums]("/MalformedEnum"), "MalformedLength": of[lengths]("/MalformedLength"),
	"MalformedPattern": of[patterns]("/MalformedPattern"), "MalformedRange": of[ranges]("/MalformedRange"), "MalformedRequired": of[needed]("/MalformedRequired"),
	"SensitiveValidation": of[secretText]("/SensitiveValidation"), "RecursiveStructures": of[nests]("/RecursiveStructures"),
	"MalformedTimestampBodyDefault": of[timeBodyDefault]("/MalformedTimestampBodyDefault"), "MalformedTimestampBodyDateTime": of[timeBodyISO]("/MalformedTimestampBodyDateTime"),
	"MalformedTimestampBodyHttpDate": of[timeBodyHTTP]("/MalformedTimestampBodyHttpDate"), "MalformedTimestampHeaderDefault": of[timeHeader]("/MalformedTimestampHeaderDefault"),
	"MalformedTimestampHeaderDateTime": of[timeHeaderISO]("/MalformedTimestampHeaderDateTime"), "MalformedTimestampHeaderEpoch": of[timeHeaderEpoch]("/MalformedTimestampHeaderEpoch"),
	"MalformedTimestampPathDefault": of[timePath]("/MalformedTimestampPathDefault/{timestamp}"), "MalformedTimestampPathHttpDate": of[timePathHTTP]("/MalformedTimestampPathHttpDate/{timestamp}"),
	"MalformedTimestampPathEpoch": of[timePathEpoch]("/MalformedTimestampPathEpoch/{timestamp}"), "MalformedTimestampQueryDefault": of[timeQuery]("/MalformedTimestampQueryDefault"),
	"MalformedTimestampQueryHttpDate": of[timeQueryHTTP]("/MalformedTimestampQueryHttpDate"), "MalformedTimestampQueryEpoch": of[timeQueryEpoch]("/MalformedTimestampQueryEpoch"),
}

// Targets without a shape of ours, and why.
var malformedLeftOut = map[string]string{
	"MalformedUniqueItems":                      "botocore's models do not carry uniqueItems",
	"MalformedRangeOverride":                    "the same as MalformedRange with other bounds",
	"MalformedLengthOverride":                   "the same as MalformedLength with other bounds",
	"MalformedPatternOverride":                  "the same as MalformedPattern with other patterns",
	"MalformedLengthQueryString":                "an empty string is absent here",
	"MalformedString":                           "botocore's models do not carry mediaType",
	"HttpStringPayload":                         "content types are not enforced, as on AWS's own services",
	"MalformedContentTypeWithBody":              "content types are not enforced",
	"MalformedContentTypeWithPayload":           "content types are not enforced",
	"MalformedContentTypeWithoutBody":           "content types are not enforced",
	"MalformedContentTypeWithoutBodyEmptyInput": "content types are not enforced",
	"MalformedAcceptWithBody":                   "Accept is not enforced",
	"MalformedAcceptWithPayload":                "Accept is not enforced",
	"MalformedAcceptWithGenericString":          "Accept is not enforced",
}

// TestMalformedRequests sends smithy's malformed restJson1 requests: each must
// be a SerializationException or a ValidationException, as the case says.
func TestMalformedRequests(t *testing.T) {
	raw, err := os.ReadFile(testenv.Shared(t, "protocols", "smithy", "restJson1.json"))
	if err != nil {
		t.Fatal(err)
	}
	var cases []malformedCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	service := &Service{ID: "Malformed", Protocols: []Protocol{RESTJSON}, Operations: malformedTargets}
	for _, op := range Describe(service).Operations {
		op.Service = service
	}
	count := 0
	for _, c := range cases {
		if c.Kind != "httpMalformedRequestTests" || malformedLeftOut[c.Target] != "" {
			continue
		}
		op := malformedTargets[c.Target]
		if op == nil {
			t.Errorf("%s: no shape for %s", c.ID, c.Target)
			continue
		}
		values := 1
		for _, list := range c.Parameters {
			values = len(list)
		}
		for i := range values {
			count++
			c.run(t, op, i)
		}
	}
	if count < 300 {
		t.Errorf("only %d malformed requests", count)
	}
	t.Logf("%d malformed requests", count)
}

func (c malformedCase) run(t *testing.T, op *Operation, i int) {
	expand := func(s string) string {
		for name, list := range c.Parameters {
			s = strings.ReplaceAll(s, "$"+name+":L", list[i])
			s = strings.ReplaceAll(s, "$"+name+":S", strconv.Quote(list[i]))
		}
		return strings.ReplaceAll(s, "$$", "$")
	}
	uri := expand(c.Request.URI)
	if len(c.Request.QueryParams) > 0 {
		uri += "?" + expand(strings.Join(c.Request.QueryParams, "&"))
	}
	r := httptest.NewRequest(c.Request.Method, "http://example.com/", nil)
	parsed, err := r.URL.Parse("http://example.com" + strings.ReplaceAll(uri, " ", "%20"))
	if err != nil {
		return // no HTTP client can send it
	}
	r.URL = parsed
	r.URL.RawQuery = trimNumberNames(r.URL.RawQuery)
	for k, v := range c.Request.Headers {
		r.Header.Set(trimNumberNames(expand(k)), expand(v))
	}
	in, err := op.Decode(RESTJSON, r, []byte(trimNumberNames(expand(c.Request.Body))))
	if err == nil {
		err = Validate(op, in)
	}
	var aws Error
	want := c.Response.Headers["x-amzn-errortype"]
	if !errors.As(err, &aws) || aws.ErrorCode() != want {
		t.Errorf("%s #%d (%s %s %s): %v, want %s", c.ID, i, uri, r.Header, expand(c.Request.Body), err, want)
	}
}

// trimNumberNames makes byteInBody and its like InBody: one generic shape serves all number types.
func trimNumberNames(s string) string {
	for _, name := range []string{"byte", "short", "integer", "long", "float", "double"} {
		s = strings.ReplaceAll(s, name+"In", "In")
	}
	return s
}
