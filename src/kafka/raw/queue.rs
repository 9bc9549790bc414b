//! The two queues of a consumer: control, which rdkafka polls, and data, which is read here.
#![expect(unsafe_code, reason = "rdkafka offers no queue of one's own and no result of a commit")]

use super::message::Message;
use rdkafka::bindings::{
    rd_kafka_assignment_lost, rd_kafka_commit_queue, rd_kafka_consume_callback_queue, rd_kafka_message_t,
    rd_kafka_queue_cb_event_enable, rd_kafka_queue_destroy, rd_kafka_queue_forward,
    rd_kafka_queue_get_consumer, rd_kafka_queue_get_partition, rd_kafka_queue_length, rd_kafka_queue_new,
    rd_kafka_queue_t, rd_kafka_t,
};
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::{RDKafkaErrorCode, RDKafkaRespErr};
use std::ffi::CString;
use std::os::raw::c_void;
use std::ptr::NonNull;
use std::sync::Arc;

/// A queue handle that is given back when dropped.
struct Queue(NonNull<rd_kafka_queue_t>);

impl Drop for Queue {
    fn drop(&mut self) {
        // SAFETY: the handle is ours, and given back once.
        unsafe { rd_kafka_queue_destroy(self.0.as_ptr()) }
    }
}

/// The queues of one consumer. Keeps the consumer alive.
pub(in crate::kafka) struct Queues<C: ConsumerContext> {
    // Declared, and so dropped, before the client they belong to.
    data: Queue,
    control: Queue,
    /// Called by the client when data arrives in an empty queue; boxed so that its address stays.
    wake: Box<Box<dyn Fn() + Send + Sync>>,
    consumer: Arc<BaseConsumer<C>>,
}

// SAFETY: queue handles may be used from any thread (the library locks inside); they are not shared.
unsafe impl<C: ConsumerContext> Send for Queues<C> {}

impl<C: ConsumerContext> Queues<C> {
    /// Makes the data queue of `consumer`, which must be a member of a group. `wake` is called, on a thread of
    /// the client's, whenever data arrives in the empty queue; it must be quick and must not call the client.
    pub(in crate::kafka) fn new(
        consumer: Arc<BaseConsumer<C>>,
        wake: impl Fn() + Send + Sync + 'static,
    ) -> Option<Self> {
        let client = consumer.client().native_ptr();
        // SAFETY: the client is alive, since `consumer` holds it; a new queue is ours.
        let (data, control) = unsafe {
            let data = Queue(NonNull::new(rd_kafka_queue_new(client))?);
            (data, Queue(NonNull::new(rd_kafka_queue_get_consumer(client))?))
        };
        let wake: Box<Box<dyn Fn() + Send + Sync>> = Box::new(Box::new(wake));
        let opaque: *const Box<dyn Fn() + Send + Sync> = &*wake;
        // SAFETY: the opaque points into `wake`, which lives until `drop` has disabled the callback.
        unsafe {
            rd_kafka_queue_cb_event_enable(
                data.0.as_ptr(),
                Some(on_data),
                opaque.cast_mut().cast::<c_void>(),
            );
        }
        Some(Queues { data, control, wake, consumer })
    }

    /// The consumer.
    pub(in crate::kafka) fn consumer(&self) -> &Arc<BaseConsumer<C>> {
        &self.consumer
    }

    fn client(&self) -> *mut rd_kafka_t {
        self.consumer.client().native_ptr()
    }

    /// Sends what is fetched from a partition to the data queue; to be called before the partition is assigned.
    /// False when the client does not know the partition and cannot make it.
    pub(in crate::kafka) fn forward(&self, topic: &str, partition: i32) -> bool {
        let Ok(topic) = CString::new(topic) else { return false };
        // SAFETY: the client is alive and the name zero-terminated; the partition's queue is a new handle, ours
        // to give back. A forward stays when the handle goes, and holds the data queue by itself.
        unsafe {
            let found = rd_kafka_queue_get_partition(self.client(), topic.as_ptr(), partition);
            let Some(queue) = NonNull::new(found).map(Queue) else { return false };
            rd_kafka_queue_forward(queue.0.as_ptr(), self.data.0.as_ptr());
        }
        true
    }

    /// Hands all that waits in the data queue to `take`. Never blocks. Returns true when something was there.
    ///
    /// The client's callback form is used and not its batch form: the batch form counts the message that tells
    /// the end of a partition as a record, which moves the client's own position one too far, and the next
    /// rebalance or pause resumes from there: a record would be skipped.
    ///
    /// There is no stopping in the middle. The client takes the whole queue out for this call; put back what is
    /// left, and its fetcher, which saw an empty queue meanwhile, has fetched as much again: with every such call
    /// the queue grew, to 264 MB where 16 MiB are set.
    pub(in crate::kafka) fn read(&self, mut take: impl FnMut(&Message<'_>)) -> bool {
        let mut seen = false;
        let mut take = |message: &Message<'_>| {
            seen = true;
            take(message);
        };
        let mut reader = Reader { take: &mut take };
        let opaque: *mut Reader<'_> = &mut reader;
        // SAFETY: the queue is alive; the callback runs on this thread, within the call, so the opaque outlives
        // it and is borrowed by nobody else.
        unsafe {
            rd_kafka_consume_callback_queue(self.data.0.as_ptr(), 0, Some(on_message), opaque.cast());
        }
        seen
    }

    /// True while control events wait for `BaseConsumer::poll`.
    pub(in crate::kafka) fn has_control(&self) -> bool {
        // SAFETY: the handle is alive.
        unsafe { rd_kafka_queue_length(self.control.0.as_ptr()) > 0 }
    }

    /// True when the group gave our partitions to others without asking.
    pub(in crate::kafka) fn assignment_lost(&self) -> bool {
        // SAFETY: the client is alive.
        unsafe { rd_kafka_assignment_lost(self.client()) != 0 }
    }

    /// Commits `offsets`, or what is stored for the present assignment. The result comes as a control event,
    /// through [`ConsumerContext::commit_callback`].
    pub(in crate::kafka) fn commit(
        &self,
        offsets: Option<&TopicPartitionList>,
    ) -> Result<(), RDKafkaErrorCode> {
        let list = offsets.map_or(std::ptr::null_mut(), TopicPartitionList::ptr);
        // SAFETY: client and queue are alive; the list is null or alive, and copied within the call.
        let code = unsafe {
            rd_kafka_commit_queue(self.client(), list, self.control.0.as_ptr(), None, std::ptr::null_mut())
        };
        match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR => Ok(()),
            code => Err(code.into()),
        }
    }
}

impl<C: ConsumerContext> Drop for Queues<C> {
    fn drop(&mut self) {
        // SAFETY: the queue is alive; once the call returns, no callback runs or will run, so `wake` may go.
        unsafe { rd_kafka_queue_cb_event_enable(self.data.0.as_ptr(), None, std::ptr::null_mut()) }
        // Named so that nobody takes the field for unused.
        let _ = &self.wake;
    }
}

struct Reader<'a> {
    take: &'a mut dyn FnMut(&Message<'_>),
}

unsafe extern "C" fn on_message(message: *mut rd_kafka_message_t, opaque: *mut c_void) {
    // SAFETY: the opaque is the `Reader` of the `read` that is running on this thread; the client destroys the
    // message after the callback and touches it nowhere meanwhile.
    unsafe {
        let reader = &mut *opaque.cast::<Reader<'_>>();
        if let Some(message) = Message::new(message) {
            (reader.take)(&message);
        }
    }
}

unsafe extern "C" fn on_data(_client: *mut rd_kafka_t, opaque: *mut c_void) {
    // SAFETY: the opaque is the boxed closure of a `Queues` whose callback has not been disabled.
    unsafe { (*opaque.cast::<Box<dyn Fn() + Send + Sync>>())() }
}
