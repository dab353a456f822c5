package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/neargate/neargate/internal/access"
	"github.com/neargate/neargate/internal/acm"
	"github.com/neargate/neargate/internal/audit"
	"github.com/neargate/neargate/internal/authorize"
	"github.com/neargate/neargate/internal/aws/acmapi"
	"github.com/neargate/neargate/internal/aws/cloudformationapi"
	"github.com/neargate/neargate/internal/aws/cloudtrailapi"
	"github.com/neargate/neargate/internal/aws/cloudwatchapi"
	"github.com/neargate/neargate/internal/aws/ec2api"
	"github.com/neargate/neargate/internal/aws/ecrapi"
	"github.com/neargate/neargate/internal/aws/ecsapi"
	"github.com/neargate/neargate/internal/aws/elbv2api"
	"github.com/neargate/neargate/internal/aws/iamapi"
	"github.com/neargate/neargate/internal/aws/kmsapi"
	"github.com/neargate/neargate/internal/aws/logsapi"
	"github.com/neargate/neargate/internal/aws/route53api"
	"github.com/neargate/neargate/internal/aws/s3api"
	"github.com/neargate/neargate/internal/aws/secretsmanagerapi"
	"github.com/neargate/neargate/internal/aws/servicediscoveryapi"
	"github.com/neargate/neargate/internal/aws/ssmapi"
	"github.com/neargate/neargate/internal/aws/stsapi"
	"github.com/neargate/neargate/internal/aws/wire"
	"github.com/neargate/neargate/internal/blob"
	"github.com/neargate/neargate/internal/cloudformation"
	"github.com/neargate/neargate/internal/cloudtrail"
	"github.com/neargate/neargate/internal/cloudwatch"
	"github.com/neargate/neargate/internal/control"
	"github.com/neargate/neargate/internal/cost"
	"github.com/neargate/neargate/internal/decision"
	"github.com/neargate/neargate/internal/dns"
	"github.com/neargate/neargate/internal/ec2"
	"github.com/neargate/neargate/internal/ec2/flowlog"
	"github.com/neargate/neargate/internal/ecr"
	"github.com/neargate/neargate/internal/ecs"
	"github.com/neargate/neargate/internal/ecs/agent"
	"github.com/neargate/neargate/internal/ecs/insights"
	"github.com/neargate/neargate/internal/ecs/serviceconnect"
	"github.com/neargate/neargate/internal/edge"
	"github.com/neargate/neargate/internal/elbv2"
	"github.com/neargate/neargate/internal/gateway"
	"github.com/neargate/neargate/internal/hosted"
	"github.com/neargate/neargate/internal/hostsfile"
	"github.com/neargate/neargate/internal/iam"
	"github.com/neargate/neargate/internal/instance"
	"github.com/neargate/neargate/internal/kms"
	"github.com/neargate/neargate/internal/logs"
	"github.com/neargate/neargate/internal/logstore"
	"github.com/neargate/neargate/internal/loopback"
	"github.com/neargate/neargate/internal/metadata"
	"github.com/neargate/neargate/internal/metrics"
	"github.com/neargate/neargate/internal/network"
	"github.com/neargate/neargate/internal/pki"
	"github.com/neargate/neargate/internal/reach"
	"github.com/neargate/neargate/internal/registry"
	"github.com/neargate/neargate/internal/roles"
	"github.com/neargate/neargate/internal/route53"
	"github.com/neargate/neargate/internal/runtime/containerd"
	"github.com/neargate/neargate/internal/s3"
	"github.com/neargate/neargate/internal/seal"
	"github.com/neargate/neargate/internal/secretsmanager"
	"github.com/neargate/neargate/internal/servicediscovery"
	"github.com/neargate/neargate/internal/ssm"
	"github.com/neargate/neargate/internal/state"
	"github.com/neargate/neargate/internal/store"
	"github.com/neargate/neargate/internal/sts"
	"github.com/neargate/neargate/internal/unused"
	"github.com/neargate/neargate/internal/why"
)

// serve is the running Neargate: it makes everything in the order in which one
// thing needs another, runs it until ctx ends, and closes it. Tasks go on
// running. Read it from top to bottom to know what there is.
func serve(ctx context.Context, cfg *upConfig, out io.Writer) error {
	started := time.Now()
	log := slog.Default()
	spendMemory()
	dir, err := openDir(cfg.dataDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	listener, err := patiently(func() (net.Listener, error) { return net.Listen("tcp", cfg.listen) })
	if err != nil {
		return portBusy(cfg.listen, err)
	}
	defer listener.Close()

	// What is kept: records, keys, bytes.
	db, err := store.Open(dir.File("neargate.db"), state.Schema()...)
	if err != nil {
		return err
	}
	defer db.Close()
	key, err := instanceKey(dir)
	if err != nil {
		return err
	}
	authority, err := pki.Open(dir.File("pki"))
	if err != nil {
		return err
	}
	blobs, err := blob.OpenStore(dir.File("blobs"))
	if err != nil {
		return err
	}
	objects, err := blob.OpenObjects(dir.File("objects"), blob.Key(key))
	if err != nil {
		return err
	}
	events, err := logstore.Open(dir.File("logs"))
	if err != nil {
		return err
	}
	numbers, err := metrics.Open(dir.File("metrics.db"), log)
	if err != nil {
		return err
	}
	defer numbers.Close()
	calls, err := audit.Open(dir.File("audit"), log)
	if err != nil {
		return err
	}
	shelf, err := registry.OpenShelf(dir.File("images"), blobs)
	if err != nil {
		return err
	}

	// Who may do what.
	decisions := decision.NewLog(db)
	sealer, err := seal.New(key)
	if err != nil {
		return err
	}
	keys := access.NewKeys(db, sealer)
	checker := access.NewAuthorizer(keys, decisions)

	// The data plane: networks, and containers. Both find what a former process left.
	site := network.DefaultSite(dir.ID)
	engine, err := network.Open(network.Options{Site: site, Log: log})
	if err != nil {
		return err
	}
	defer engine.Close()
	containers, err := containerd.Open(ctx, containerd.Options{DataDir: dir.Path, Instance: dir.ID, Log: log})
	if err != nil {
		return err
	}
	defer containers.Close()

	// The front door, and who answers to which name, on this machine and in VPCs.
	ctl := &control.Server{Keys: keys, Version: version}
	gate := gateway.New(gateway.Config{Keys: keys, Checker: checker, S3Path: s3.PathStyle, Origin: originOf, Control: ctl, Region: cfg.region, Audit: calls, Decisions: decisions})
	doors := &front{gateway: gate, public: registry.NewPublic(shelf, blobs, key[:], time.Now, log)}
	certificates := authority.GetCertificate(doors.answers)
	taskSource := &taskSource{}
	inside := edge.New(edge.Options{
		Engine: engine, Site: site, AWS: doors, Certificate: certificates, Log: log,
		Metadata: metadata.NewHandler(taskSource, identify, log), Forward: dns.NewHostForwarder("/etc/resolv.conf"),
	})
	names := loopback.New(dir.ID, hostsfile.New("/etc/hosts", dir.ID), &tls.Config{GetCertificate: certificates, MinVersion: tls.VersionTLS12}, doors)

	// The services.
	networkOptions := ec2.Divide(site)
	networkOptions.Stands = doors.public.Hosts
	networkOptions.Buckets = s3api.NewClient(gate)
	networks := ec2.New(db, engine, inside, networkOptions)
	tokens := sts.New(db, keys, checker)
	sessions := tokens.Sessions()
	identities := iam.New(db, sealer, checker)
	registries, err := ecr.New(ecr.Config{DB: db, Blobs: blobs, Checker: checker, Key: key[:], AlsoUsed: shelf.Blobs, Log: log})
	if err != nil {
		return err
	}
	doors.ecr = registries
	buckets, err := s3.New(s3.Config{DB: db, Objects: objects, Checker: checker, Log: log})
	if err != nil {
		return err
	}
	logGroups := logs.New(db, events, time.Now)
	keyService := kms.New(db, sealer, time.Now)
	secrets := secretsmanager.New(db, gate, validResourcePolicy, time.Now)
	parameters := ssm.New(db, gate, time.Now)
	managed := acm.New(acm.Options{DB: db, Sealer: sealer, Authority: authority, Now: time.Now})
	pace, agentPace := paces(cfg.pace)
	discovered := newCloudMap(gate)
	scheduler := ecs.New(ecs.Deps{DB: db, Checker: checker, Roles: sessions, Linked: identities, CloudMap: discovered, Decisions: decisions, Pace: pace})
	proxies := serviceconnect.New(serviceconnect.Options{DB: db, Plane: connectPlane(engine), CloudMap: discovered, Observe: serviceconnect.NewMeters(numbers), Log: log})
	stacks := cloudformation.New(cloudformation.Options{DB: db, Invoker: gate, Checker: checker, Sessions: stackSessions{sessions}, Secret: keys.Secret, Log: log})
	tasks := agent.New(agent.Deps{
		DB: db, Runtime: containers, Interfaces: interfaces{networks}, Targets: newTargets(gate), Registries: newRegistries(gate), Proxies: proxies, Sessions: taskSessions{sessions}, Dial: dialers(engine), RootCAs: trusted(authority, log), Bundle: authority.Bundle,
		Blobs: localBlobs{blobs}, Files: containers, Diagnose: diagnose(db, site, networks, engine), Listening: listening(engine), Decisions: decisions, Dir: dir.File("tasks"), Pace: agentPace, Log: log,
	})
	taskSource.Source = tasks
	flows := &flowlog.Writer{DB: db, Source: engine, Logs: logsapi.NewClient(gate), Buckets: s3api.NewClient(gate), Sessions: flowLogSessions{sessions}, Log: log}
	balancers := elbv2.New(elbv2.Options{DB: db, Linked: identities, Certificate: listenerCertificates(managed), Plane: balancerPlane(networks, engine, key[:], gate, trusted(authority, log), dir.File("elb-logs")), Metrics: numbers, Sealer: sealer, DrainEarly: cfg.pace != "aws", Log: log})
	doors.users = balancers.ServePublicKey
	performance := &insights.Writer{DB: db, Logs: logsapi.NewClient(gate), Meter: tasks, Metrics: numbers, Log: log}

	trails := cloudtrail.New(cloudtrail.Options{DB: db, Events: calls, S3: s3api.NewClient(gate), Log: log})

	watch := cloudwatch.New(cloudwatch.Options{DB: db, Metrics: numbers, Log: log})

	// Each service is mounted with what it can do and who may do it.
	mount := func(model *wire.Service, handlers wire.Handlers, table authorize.Service) {
		gate.Mount(model, handlers, table)
		checker.Register(model.SigningName, table)
		ctl.Services = append(ctl.Services, model.EndpointPrefix)
	}
	mount(stsapi.Model, stsapi.Bind(tokens), tokens.Authorization())
	mount(iamapi.Model, iamapi.Bind(identities), identities.Authorization())
	mount(ec2api.Model, ec2api.Bind(networks), networks.Authorization())
	mount(ecsapi.Model, ecsapi.Bind(scheduler), scheduler.Authorization())
	mount(ecrapi.Model, ecrapi.Bind(registries), registries.Authorization())
	mount(elbv2api.Model, elbv2api.Bind(balancers), balancers.Authorization())
	mount(logsapi.Model, logsapi.Bind(logGroups), logGroups.Authorization())
	mount(s3api.Model, s3api.Bind(buckets), buckets.Authorization())
	mount(kmsapi.Model, kmsapi.Bind(keyService), keyService.Authorization())
	mount(secretsmanagerapi.Model, secretsmanagerapi.Bind(secrets), secrets.Authorization())
	mount(ssmapi.Model, ssmapi.Bind(parameters), parameters.Authorization())
	zones := route53.New(route53.Options{DB: db, Changed: networks.Refresh, Now: time.Now, Checkers: healthCheckers(), Dial: checkDialer(db, site), Resolve: internetLookup(db, cfg.region), Hurry: cfg.pace != "aws", Log: log})
	health := hosted.NewWatcher(db, networks.Refresh)
	mount(route53api.Model, route53api.Bind(zones), zones.Authorization())
	discovery := servicediscovery.New(servicediscovery.Options{DB: db, Invoker: gate, Now: time.Now})
	mount(servicediscoveryapi.Model, servicediscoveryapi.Bind(discovery), discovery.Authorization())
	mount(acmapi.Model, acmapi.Bind(managed), managed.Authorization())
	mount(cloudwatchapi.Model, cloudwatchapi.Bind(watch), watch.Authorization())
	mount(cloudtrailapi.Model, cloudtrailapi.Bind(trails), trails.Authorization())
	mount(cloudformationapi.Model, cloudformationapi.Bind(stacks), stacks.Authorization())

	// What Neargate's own commands ask for.
	info := instance.Info{Endpoint: "http://" + listener.Addr().String(), Region: cfg.region, Version: version, StartedAt: started}
	resolver := newCommandResolver(dir.ID, dns.NewHostForwarder("/etc/resolv.conf"))
	local := newLocalNames(db, names, registries.Hosts, resolver)
	shared := newSharedFront(cfg.front, db, cfg.region, authority)
	nameserver := newHostDNS(cfg.dns, db, local, cfg.region)
	names.Changed = nameserver.look
	commands := &commandAPI{
		front: shared, dns: nameserver,
		db: db, dir: dir, info: info, accounts: keys, shelf: shelf, loaded: networks.Refresh, gate: gate, local: local, sealer: sealer, ecs: scheduler,
		why: &why.Explainer{DB: db, Decisions: decisions, Logs: logLines{logGroups}, Sockets: listening(engine), Path: balancerPath(db, site, networks, engine), Clients: balancerClients(db, site, networks, engine)},
	}
	commands.register(ctl)
	uses := &unused.Collector{DB: db, Engine: engine, Edge: inside}
	networkViews := &networkAPI{
		finder: &reach.Finder{DB: db, Site: site, Networks: networks, Host: engine},
		unused: &unused.Finder{DB: db, Collector: uses, Access: checker},
	}
	networkViews.register(ctl)
	(&rolesAPI{finder: &roles.Finder{DB: db, Access: checker}}).register(ctl)
	(&costAPI{gatherer: &cost.Gatherer{DB: db, UnitHours: unitHours(ctx, numbers), LogBytes: func(stream string) (int64, error) {
		info, err := events.Info(stream)
		return info.Bytes, err
	}}}).register(ctl)

	// Everything runs in one group under one context.
	group, ctx := errgroup.WithContext(ctx)
	for _, run := range []func(context.Context) error{
		decisions.Run, calls.Run, numbers.Run, keys.Run, inside.Run,
		networks.Run, balancers.Run, flows.Run, registries.Run, logGroups.Run,
		keyService.Run, secrets.Run, managed.Run, zones.Run, health.Run, discovery.Run,
		scheduler.Run, proxies.Run, tasks.Run, performance.Run,
		stacks.Run, trails.Run, watch.Run,
		uses.Run, names.Run, local.Run, resolver.Run, shared.Run, nameserver.Run,
	} {
		group.Go(func() error { return run(ctx) })
	}
	server := &http.Server{Handler: gate, ReadHeaderTimeout: 30 * time.Second, IdleTimeout: 5 * time.Minute, MaxHeaderBytes: 64 << 10}
	group.Go(func() error { return serveHTTP(ctx, server, listener) })
	if err := dir.Announce(info); err != nil {
		return err
	}
	ctl.SetReady()
	fmt.Fprintf(out, "Neargate %s · region %s · data in %s\nAPI   %s   (eval \"$(neargate env)\")\nready after %s\nReady.\n", version, cfg.region, dir.Path, info.Endpoint, time.Since(started).Round(time.Millisecond))
	err = group.Wait()
	fmt.Fprintln(os.Stderr, "stopped; tasks go on running (neargate down stops them)")
	return err
}
