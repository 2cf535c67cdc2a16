# The images of the operator, the scorer, the streams' pods and the dashboard: one static program each, with what it needs and no more.
#
#   docker build --target operator -t REGISTRY/fleetscore-operator:TAG .
#   docker build --target scorer -t REGISTRY/fleetscore-scorer:TAG .
#   docker build --target ingest -t REGISTRY/fleetscore-ingest:TAG .
#   docker build --target dashboard -t REGISTRY/fleetscore-dashboard:TAG .
#
# --build-arg BUILDER=IMAGE         compile in another image: Rust 1.95, a C compiler with static libraries, certificates
# --build-arg CARGO_ARGS=--offline  compile from vendored sources: `mkdir -p .cargo && cargo vendor >.cargo/config.toml` beforehand
# --build-context build=DIR         compile nothing, take the folders DIR/operator, DIR/scorer, DIR/ingest and DIR/dashboard (scripts/images.sh)
ARG BUILDER=docker.io/library/rust:1.95-bookworm

FROM ${BUILDER} AS build
ARG CARGO_ARGS=""
ARG PROFILE=release
WORKDIR /src
COPY . .
RUN scripts/image-roots.sh / "$(scripts/build.sh ${PROFILE} operator scorer ingest cli -- ${CARGO_ARGS})"

FROM scratch AS operator
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleetscore-operator" \
      org.opencontainers.image.description="Turns ScoringRuns into Jobs" \
      org.opencontainers.image.source="https://github.com/fleetscore/fleetscore" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /operator/ /
USER 65532:65532
ENTRYPOINT ["/fleetscore-operator"]

FROM scratch AS scorer
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleetscore-scorer" \
      org.opencontainers.image.description="Runs one step of a scoring run" \
      org.opencontainers.image.source="https://github.com/fleetscore/fleetscore" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /scorer/ /
USER 65532:65532
ENTRYPOINT ["/scorer"]

FROM scratch AS ingest
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleetscore-ingest" \
      org.opencontainers.image.description="Reads a hub's events and publishes them as readings" \
      org.opencontainers.image.source="https://github.com/fleetscore/fleetscore" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /ingest/ /
USER 65532:65532
ENTRYPOINT ["/fleetscore-ingest"]

FROM scratch AS dashboard
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="fleetscore-dashboard" \
      org.opencontainers.image.description="Shows runs, schedules and nodes in the browser" \
      org.opencontainers.image.source="https://github.com/fleetscore/fleetscore" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /dashboard/ /
USER 65532:65532
ENTRYPOINT ["/fleetscore", "dashboard-server"]
