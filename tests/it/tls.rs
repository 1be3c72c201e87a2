//! HTTPS with certificates that change while the service runs. With the real program.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, Stream};

use crate::client::{PATIENCE, eventually};
use crate::harness::STORES;
use crate::process::{Service, run_well};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name)
}

/// Takes every certificate, but checks that the server has its key.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// The certificate that is shown to a new connection, and the answer to a request over it.
fn ask(address: &str, path: &str) -> (CertificateDer<'static>, String) {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let mut connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut stream = Stream::new(&mut connection, &mut socket);
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    // The end of the stream may come without a farewell.
    let _ = stream.read_to_end(&mut answer);
    let shown = connection.peer_certificates().unwrap()[0].clone();
    (shown.into_owned(), String::from_utf8(answer).unwrap())
}

fn certificate(name: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_file(fixture(name)).unwrap()
}

fn install(folder: &Path, name: &str) {
    for end in ["cert.pem", "key.pem"] {
        fs::copy(fixture(&format!("{name}.{end}")), folder.join(end)).unwrap();
    }
}

#[test]
fn certificates_change_without_a_restart_and_bad_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("stores.csv"), STORES).unwrap();
    run_well(folder.path(), &["import", "stores", "stores.csv"]);
    install(folder.path(), "one");
    let settings = [("JINQUN_TLS_CERT", "cert.pem"), ("JINQUN_TLS_KEY", "key.pem")];
    let mut service = Service::start(folder.path(), &["serve"], &settings);
    let address = service.client.url.strip_prefix("https://").unwrap().to_owned();
    let (shown, answer) = ask(&address, "/");
    assert_eq!(shown, certificate("one.cert.pem"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("; Secure"), "the cookie is bound to HTTPS");
    let log = || fs::read_to_string(folder.path().join("log")).unwrap();
    // A key that does not fit, told of by a signal.
    fs::copy(fixture("two.key.pem"), folder.path().join("key.pem")).unwrap();
    service.signal("HUP");
    eventually("it is refused", || log().contains("the certificate was refused").then_some(()));
    assert_eq!(ask(&address, "/healthz").0, certificate("one.cert.pem"));
    install(folder.path(), "two");
    service.signal("HUP");
    eventually("the other certificate is shown", || {
        (ask(&address, "/healthz").0 == certificate("two.cert.pem")).then_some(())
    });
    // Without a signal the files are looked at, too.
    install(folder.path(), "one");
    eventually("the first certificate is back", || {
        (ask(&address, "/healthz").0 == certificate("one.cert.pem")).then_some(())
    });
    service.signal("TERM");
    assert_eq!(service.wait().code(), Some(0));
}
