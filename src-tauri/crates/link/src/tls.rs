//! One TLS configuration for HTTP and websocket: rustls with the operating system's trust.

use std::sync::Arc;

use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;

use crate::error::LinkError;

/// TLS 1.2 and 1.3, ring for the cryptography, certificates judged as the operating system does.
pub(crate) fn client_config() -> Result<Arc<ClientConfig>, LinkError> {
    let failed =
        |error: rustls::Error| LinkError::Tls { action: "preparing encrypted connections", detail: error.to_string() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .with_platform_verifier()
        .map_err(failed)?
        .with_no_client_auth();
    Ok(Arc::new(config))
}
