//! What the compared proxies are told: mutual TLS 1.3 towards consumers and the provider, HTTP/2,
//! as many workers as cores, no access log, no connection given up for having served enough.

use std::net::SocketAddr;
use std::path::Path;

/// What all of them stand on.
pub struct Plan<'a> {
    /// For whatever a proxy writes.
    pub folder: &'a Path,
    pub listen: SocketAddr,
    pub provider: SocketAddr,
    /// Holds ca.pem, cert.pem, key.pem and both.pem, the certificate with its key.
    pub pki: &'a Path,
    pub workers: usize,
    /// What is sent in one piece at most.
    pub message_bytes: usize,
}

/// HAProxy's own default.
const BUFFER_BYTES: usize = 16 * 1024;
/// HTTP/2's own default, which HAProxy announces: a stream never has more on its way.
const WINDOW_BYTES: usize = 64 * 1024;

pub const NGINX: &str = r"daemon off;
user root root;
worker_processes {workers};
error_log stderr error;
pid {folder}/nginx.pid;
worker_rlimit_nofile 8192;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  http2_max_concurrent_streams 1000;
  http2_body_preread_size 1m;
  upstream provider {
    server {provider};
    keepalive 512;
    keepalive_requests 1000000000;
    keepalive_time 24h;
    keepalive_timeout 1h;
  }
  server {
    listen {listen} ssl http2;
    server_name localhost;
    ssl_protocols TLSv1.3;
    ssl_certificate {pki}/cert.pem;
    ssl_certificate_key {pki}/key.pem;
    ssl_client_certificate {pki}/ca.pem;
    ssl_verify_client on;
    location / {
      grpc_pass grpcs://provider;
      grpc_ssl_protocols TLSv1.3;
      grpc_ssl_certificate {pki}/cert.pem;
      grpc_ssl_certificate_key {pki}/key.pem;
      grpc_ssl_trusted_certificate {pki}/ca.pem;
      grpc_ssl_verify on;
      grpc_ssl_name localhost;
      grpc_ssl_server_name on;
      grpc_read_timeout 1h;
      grpc_send_timeout 1h;
    }
  }
}
";

pub const HAPROXY: &str = r"global
  nbthread {workers}
  maxconn 4000
  tune.bufsize {buffer}
  tune.h2.max-concurrent-streams 1000
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
frontend exchange
  bind {listen} ssl crt {pki}/both.pem ca-file {pki}/ca.pem verify required ssl-min-ver TLSv1.3 alpn h2
  default_backend provider
backend provider
  server provider {provider} ssl crt {pki}/both.pem ca-file {pki}/ca.pem verify required verifyhost localhost sni str(localhost) ssl-min-ver TLSv1.3 alpn h2
";

pub const ENVOY: &str = r#"static_resources:
  listeners:
  - name: exchange
    address: { socket_address: { address: {listen_ip}, port_value: {listen_port} } }
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          require_client_certificate: true
          common_tls_context: &tls
            alpn_protocols: [h2]
            tls_params: { tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_3 }
            tls_certificates:
            - certificate_chain: { filename: {pki}/cert.pem }
              private_key: { filename: {pki}/key.pem }
            validation_context: { trusted_ca: { filename: {pki}/ca.pem } }
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: exchange
          codec_type: HTTP2
          stream_idle_timeout: 0s
          http2_protocol_options: &http2
            max_concurrent_streams: 1000
            initial_stream_window_size: 1048576
            initial_connection_window_size: 16777216
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: { prefix: "/" }
                route: { cluster: provider, timeout: 0s }
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: provider
    type: STATIC
    connect_timeout: 5s
    circuit_breakers:
      thresholds:
      - { max_connections: 100000, max_pending_requests: 100000, max_requests: 100000 }
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: { http2_protocol_options: *http2 }
    load_assignment:
      cluster_name: provider
      endpoints:
      - lb_endpoints:
        - endpoint:
            address: { socket_address: { address: {provider_ip}, port_value: {provider_port} } }
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext
        sni: localhost
        common_tls_context: *tls
"#;

impl Plan<'_> {
    /// One of the texts above, its places filled.
    pub fn filled(&self, template: &str) -> String {
        let of = |address: SocketAddr| (address.ip().to_string(), address.port().to_string());
        let (listen_ip, listen_port) = of(self.listen);
        let (provider_ip, provider_port) = of(self.provider);
        // HAProxy 2.6 ends a provider's connection when trailers come behind a message that fills its
        // buffer. Where messages can, the buffer holds twice what a stream may have on its way.
        let buffer = match self.message_bytes < BUFFER_BYTES / 2 {
            true => BUFFER_BYTES,
            false => WINDOW_BYTES * 2,
        };
        template
            .replace("{buffer}", &buffer.to_string())
            .replace("{workers}", &self.workers.to_string())
            .replace("{folder}", &self.folder.display().to_string())
            .replace("{pki}", &self.pki.display().to_string())
            .replace("{listen}", &self.listen.to_string())
            .replace("{provider}", &self.provider.to_string())
            .replace("{listen_ip}", &listen_ip)
            .replace("{listen_port}", &listen_port)
            .replace("{provider_ip}", &provider_ip)
            .replace("{provider_port}", &provider_port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_of_a_configuration_is_filled() {
        let plan = Plan {
            folder: Path::new("/bench"),
            listen: ([127, 0, 0, 1], 1).into(),
            provider: ([127, 0, 0, 1], 2).into(),
            pki: Path::new("/pki"),
            workers: 3,
            message_bytes: 256,
        };
        for text in [NGINX, HAPROXY, ENVOY].map(|it| plan.filled(it)) {
            for place in ["buffer", "workers", "folder", "pki", "listen", "provider"] {
                assert!(!text.contains(&format!("{{{place}")), "{place}: {text}");
            }
            assert!(text.contains("/pki/ca.pem"), "{text}");
        }
    }
}
