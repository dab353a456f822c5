package state

import (
	"time"

	"github.com/neargate/neargate/internal/store"
)

// Cluster is an ECS cluster. An INACTIVE one stays for a while, as on AWS.
type Cluster struct {
	Account, Region, Name string

	Status            string // ACTIVE or INACTIVE
	Settings          []ClusterSetting
	CapacityProviders []string
	DefaultStrategy   []CapacityProviderItem
	ConnectNamespace  string // ARN of the default namespace of Service Connect; "" for none
	Tags              []Tag
	CreatedAt         time.Time
	DeletedAt         time.Time
}

// ClusterSetting is a setting of a cluster: containerInsights.
type ClusterSetting struct{ Name, Value string }

// CapacityProviderItem is a line of a capacity provider strategy.
type CapacityProviderItem struct {
	CapacityProvider string
	Weight, Base     int32
}

// ARN is the cluster's ARN.
func (c *Cluster) ARN() string { return ECSARN(c.Account, c.Region, "cluster/"+c.Name) }

// ECSARN is the ARN of a resource of ECS.
func ECSARN(account, region, resource string) string {
	return "arn:aws:ecs:" + region + ":" + account + ":" + resource
}

// Clusters holds ECS clusters by account/region/name.
var Clusters = store.Define("ecs.cluster", func(c *Cluster) string { return Key(c.Account, c.Region, c.Name) })

// ECSSetting is an account setting of ECS, of one principal or, with an empty
// PrincipalARN, the account's default.
type ECSSetting struct {
	Account, Region, PrincipalARN, Name string

	Value string
}

// ECSSettings holds account settings by account/region/name/principal.
var ECSSettings = store.Define("ecs.setting", func(s *ECSSetting) string {
	return Key(s.Account, s.Region, s.Name+"/"+s.PrincipalARN)
})

// DefaultLogDriverMode is what tasks of the account do with log lines that cannot
// be stored, where their containers do not say: AWS's default, or the setting.
func DefaultLogDriverMode(tx *store.Tx, account, region string) string {
	if s, ok := ECSSettings.Get(tx, Key(account, region, "defaultLogDriverMode/")); ok {
		return s.Value
	}
	return "non-blocking"
}
