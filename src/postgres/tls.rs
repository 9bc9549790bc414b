//! TLS to the database, as far as sslmode asks for it.

use super::Error;
use super::dsn::{SslMode, SslSettings};
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::path::Path;
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// The connector for `ssl`: what it checks depends on the mode alone.
pub(super) fn connector(ssl: &SslSettings) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match ssl.mode {
        SslMode::VerifyFull => full(ssl, &provider)?,
        SslMode::VerifyCa => {
            Arc::new(Lenient { chain: Some(full(ssl, &provider)?), provider: provider.clone() })
        }
        _ => Arc::new(Lenient { chain: None, provider: provider.clone() }),
    };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::tls("no TLS version is available").doing(error.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match &ssl.client_cert {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let key = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("sslkey", key, &error))?;
            builder
                .with_client_auth_cert(certificates("sslcert", cert)?, key)
                .map_err(|error| Error::tls(error.to_string()).doing("using sslcert and sslkey"))?
        }
    };
    Ok(MakeRustlsConnect::new(config))
}

fn full(ssl: &SslSettings, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    match &ssl.root_cert {
        Some(path) => {
            roots.add_parsable_certificates(certificates("sslrootcert", path)?);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(Error::tls(
            "no authority to trust: neither sslrootcert nor this machine has a certificate",
        ));
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone())
        .build()
        .map_err(|error| Error::tls(error.to_string()).doing("reading the trusted authorities"))
}

fn certificates(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| unreadable(setting, path, &error))?;
    match found.is_empty() {
        true => Err(Error::tls(format!("{setting} {} holds no certificate", path.display()))),
        false => Ok(found),
    }
}

fn unreadable(setting: &str, path: &Path, error: &rustls::pki_types::pem::Error) -> Error {
    Error::tls(error.to_string()).doing(format!("reading {setting} {}", path.display()))
}

/// What asks for less than verify-full.
#[derive(Debug)]
struct Lenient {
    /// verify-ca: the chain must hold, the name need not fit. Without it (allow, prefer and require) the connection
    /// is encrypted and the server's certificate taken as it is, as libpq does.
    chain: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Lenient {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(chain) = &self.chain else { return Ok(ServerCertVerified::assertion()) };
        match chain.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now) {
            // rustls looks at the name only after the chain has been found good.
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, cert, signed, algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, cert, signed, algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
