//! The client's errors as kylo's own.

use crate::error::{Error, ErrorKind};
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

/// What sort of failure an error code is.
pub(in crate::kafka) fn kind_of(code: RDKafkaErrorCode) -> ErrorKind {
    use RDKafkaErrorCode::*;
    match code {
        BrokerTransportFailure
        | AllBrokersDown
        | Resolve
        | OperationTimedOut
        | TimedOutQueue
        | MessageTimedOut
        | RequestTimedOut
        | BrokerNotAvailable
        | LeaderNotAvailable
        | NetworkException
        | CoordinatorNotAvailable
        | CoordinatorLoadInProgress
        | NotCoordinator
        | WaitingForCoordinator => ErrorKind::Unreachable,
        Authentication
        | SSL
        | SaslAuthenticationFailed
        | UnsupportedSASLMechanism
        | IllegalSASLState
        | TopicAuthorizationFailed
        | GroupAuthorizationFailed
        | ClusterAuthorizationFailed
        | TransactionalIdAuthorizationFailed
        | DelegationTokenAuthorizationFailed => ErrorKind::Denied,
        NonEmptyGroup => ErrorKind::NotDone,
        _ => ErrorKind::Failed,
    }
}

/// An error with `message` on top and the client's words as cause. Property values are left out: they may be
/// secrets.
pub(in crate::kafka) fn client_error(message: impl Into<String>, error: &KafkaError) -> Error {
    match error {
        KafkaError::ClientConfig(_, description, name, _) => {
            let secret = ["password", "secret", "pem", "token"].iter().any(|word| name.contains(word));
            let error = Error::usage(format!("client property {name} cannot be used"));
            let error = if secret { error } else { error.cause(description.clone()) };
            error.hint(format!("look at -X {name}=..., or at the properties of kylo.toml"))
        }
        // librdkafka checks how settings fit together only when the client is made.
        KafkaError::ClientCreation(reason) => Error::usage(message).cause(reason.clone()),
        other => {
            let code = other.rdkafka_error_code();
            let kind = code.map_or(ErrorKind::Failed, kind_of);
            Error::new(kind, message).cause(code.map_or_else(|| other.to_string(), describe))
        }
    }
}

/// The code in words, lower case as every cause of ours.
pub(in crate::kafka) fn describe(code: RDKafkaErrorCode) -> String {
    // `KafkaError` and `RDKafkaErrorCode` print themselves as `Name (Broker: words)`; people need the words.
    let text = code.to_string();
    let words = text
        .split_once('(')
        .and_then(|(_, rest)| rest.rsplit_once(')'))
        .map_or(text.as_str(), |(words, _)| words);
    let words = words.strip_prefix("Broker: ").or_else(|| words.strip_prefix("Local: ")).unwrap_or(words);
    let mut letters = words.chars();
    match letters.next() {
        Some(first) if letters.clone().next().is_some_and(char::is_lowercase) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rdkafka::types::RDKafkaConfRes;

    #[test]
    fn codes_have_their_kind_and_their_words() {
        let table = [
            (RDKafkaErrorCode::AllBrokersDown, ErrorKind::Unreachable),
            (RDKafkaErrorCode::TopicAuthorizationFailed, ErrorKind::Denied),
            (RDKafkaErrorCode::UnknownTopicOrPartition, ErrorKind::Failed),
        ];
        for (code, kind) in table {
            assert_eq!(client_error("listing topics", &KafkaError::Global(code)).kind(), kind);
        }
        assert_eq!(describe(RDKafkaErrorCode::UnknownTopicOrPartition), "unknown topic or partition");
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let error = KafkaError::ClientConfig(
            RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
            "invalid value \"hunter2\"".into(),
            "ssl.key.password".into(),
            "hunter2".into(),
        );
        let shown = format!("{:?}", client_error("connecting", &error));
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
