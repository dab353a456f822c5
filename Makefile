# Neargate. `make` lists what there is to make.
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -s -w -X main.version=$(VERSION)
export CGO_ENABLED = 0

.DEFAULT_GOAL := help
.PHONY: help build demo test check bench gen clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/neargate, with runc and the shim inside
	@./scripts/build-deps.sh
	@./scripts/runc.sh
	@./scripts/shim.sh
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/neargate ./cmd/neargate

demo: build ## start Neargate and deploy examples/isolated-vpc with a sample image
	./bin/neargate up -d
	./bin/neargate demo

test: build ## run all checks and tests (needs root; installs clients into out/)
	@./scripts/test-deps.sh
	./scripts/test.sh

check: ## the quick part of the tests: vet, staticcheck, rules, pure packages
	./scripts/test.sh quick

bench: build ## measure against floors and peers; prints ratios
	./bench/run.sh

gen: ## write generated code again from models/
	go generate ./internal/aws/...

clean: ## remove what make built
	rm -rf bin out
