//! Which of the client's errors end a source, and which it deals with by itself.

use rdkafka::types::RDKafkaErrorCode;

/// What an error means for the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The client goes on by itself.
    Trouble,
    /// Going on makes no sense without a change by a person.
    Fatal,
}

/// Judges an error. `fatal` is the client's own word that it stopped; `contact` is true once the group has
/// given us an assignment: after that, refused credentials may be an outage of who checks them.
pub(super) fn judge(code: Option<RDKafkaErrorCode>, fatal: bool, contact: bool) -> Verdict {
    use RDKafkaErrorCode::*;
    match code {
        _ if fatal => Verdict::Fatal,
        Some(
            Fatal
            | TopicAuthorizationFailed
            | GroupAuthorizationFailed
            | ClusterAuthorizationFailed
            | InvalidGroupId
            | InvalidSessionTimeout
            | UnsupportedAssignor
            | FencedInstanceId
            | AutoOffsetReset,
        ) => Verdict::Fatal,
        Some(
            Authentication
            | SaslAuthenticationFailed
            | UnsupportedSASLMechanism
            | SSL
            | InconsistentGroupProtocol,
        ) if !contact => Verdict::Fatal,
        _ => Verdict::Trouble,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use RDKafkaErrorCode::*;

    #[test]
    fn errors_by_table() {
        let table = [
            (BrokerTransportFailure, false, false, Verdict::Trouble),
            (AllBrokersDown, false, false, Verdict::Trouble),
            (UnknownTopicOrPartition, false, false, Verdict::Trouble),
            (GroupAuthorizationFailed, false, true, Verdict::Fatal),
            (Authentication, false, false, Verdict::Fatal),
            (Authentication, false, true, Verdict::Trouble),
            (InconsistentGroupProtocol, false, false, Verdict::Fatal),
            (AutoOffsetReset, false, true, Verdict::Fatal),
            (UnsupportedFeature, true, false, Verdict::Fatal),
        ];
        for (code, fatal, contact, expected) in table {
            assert_eq!(judge(Some(code), fatal, contact), expected, "{code:?}");
        }
    }
}
