//! The mock cluster's one knob that rdkafka hides.
#![expect(unsafe_code, reason = "rdkafka keeps the mock cluster's pointer to itself")]

use rdkafka::ClientContext;
use rdkafka::bindings::{rd_kafka_handle_mock_cluster, rd_kafka_mock_group_initial_rebalance_delay_ms};
use rdkafka::client::Client;

/// Lets the first member of a group start at once; the default is to wait 3 s for others.
pub(in crate::kafka) fn mock_groups_start_at_once<C: ClientContext>(client: &Client<C>) {
    // SAFETY: the client is alive; the cluster it owns lives as long, and null means that it owns none.
    unsafe {
        let cluster = rd_kafka_handle_mock_cluster(client.native_ptr());
        if !cluster.is_null() {
            rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0);
        }
    }
}

/// Makes a client take itself for broken, as after an error it cannot explain.
#[cfg(test)]
pub(in crate::kafka) fn give_up<C: ClientContext>(client: &Client<C>) {
    let code = rdkafka::types::RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    // SAFETY: the client is alive and the text zero-terminated; both are only read within the call.
    unsafe {
        rdkafka::bindings::rd_kafka_test_fatal_error(client.native_ptr(), code, c"as the test asks".as_ptr());
    }
}
