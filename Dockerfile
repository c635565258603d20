# The image of eipd: the program, the C library it is linked to, the certificates of public authorities, and nothing else.
#
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag eipd .
#   docker run --read-only --cap-drop ALL --volume "$PWD/eipd.toml:/etc/eipd/eipd.toml:ro" --publish 9464:9464 eipd
#
# For both architectures, each built on a builder of its own or emulated: docker buildx build --platform linux/amd64,linux/arm64 .
# `.ci/image` builds it without an engine or a registry and tries it on the simulator.

ARG RUST_VERSION=1.95

FROM rust:${RUST_VERSION}-slim-bookworm AS build
SHELL ["/bin/bash", "-o", "errexit", "-o", "pipefail", "-c"]
WORKDIR /build

# What the program depends on, with empty sources of our own: a layer that lasts until Cargo.toml or Cargo.lock changes. The
# SDK is minutes of it, the program itself a fraction.
COPY Cargo.toml Cargo.lock ./
COPY tests/sim/Cargo.toml tests/sim/
RUN mkdir -p src tests/sim/src tests/demo benches/figures; \
    tee src/main.rs tests/demo/demo.rs benches/figures/main.rs <<<'fn main() {}'; \
    touch src/lib.rs tests/sim/src/lib.rs; \
    cargo build --locked --profile dist --bin eipd

ARG REVISION=unknown
COPY src src
# The sources may be older than what was just built of the empty ones, and cargo goes by their age.
RUN touch src/lib.rs src/main.rs; \
    EIPD_REVISION="$REVISION" cargo build --locked --profile dist --bin eipd

# The names of our own functions stay, or the backtrace that a panic logs would say nothing; those of the dependencies are two
# fifths of the file.
RUN mkdir -p /image/etc; \
    strip --wildcard --keep-symbol='*eipd*' -o /image/eipd target/dist/eipd; \
    ldd target/dist/eipd | grep -o '/[^ ]*' | xargs cp --parents --dereference --target-directory=/image; \
    cp --parents --dereference /etc/ssl/certs/ca-certificates.crt /image; \
    echo 'hosts: files dns' >/image/etc/nsswitch.conf; \
    echo 'eipd:x:65532:65532::/:/eipd' >/image/etc/passwd; \
    /image/eipd --version


FROM scratch

ARG REVISION=unknown
LABEL org.opencontainers.image.title="eipd" \
      org.opencontainers.image.description="Keeps declared Elastic IPs on the network interfaces of AWS Lambda functions in a VPC" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.revision="${REVISION}"

COPY --from=build /image/ /

# EIPD_CONFIG_INLINE, where it is set, is taken instead of the file.
ENV EIPD_CONFIG=/etc/eipd/eipd.toml \
    EIPD__DAEMON__LISTEN=0.0.0.0:9464
EXPOSE 9464

# By number, so that an orchestrator can see that it is not root. It writes to no file.
USER 65532:65532

# Each of these is the process itself, without a shell: SIGTERM reaches it, and it ends within 10 s.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s --retries=3 CMD ["/eipd", "health"]
ENTRYPOINT ["/eipd"]
CMD ["run"]
