use std::sync::Arc;

use crate::{
    ChangeEvent, ConsumeError, Consumer, ConsumerName, EventLog, MemoryLog, Position, ReadError,
};

#[tokio::test]
async fn a_wait_that_is_dropped_loses_nothing() {
    let log = Arc::new(MemoryLog::default());
    let name = ConsumerName::parse("worker").unwrap();
    let shared: Arc<dyn EventLog> = log.clone();
    let mut consumer = Consumer::open(shared, name.clone(), Position::Oldest).await.unwrap();
    {
        let waiting = consumer.next_batch(8);
        futures::pin_mut!(waiting);
        assert!(futures::poll!(&mut waiting).is_pending());
        log.append(vec![Arc::new(ChangeEvent::node_added("urn:a"))]).await.unwrap();
    }
    assert_eq!((consumer.behind(), consumer.cursor()), (1, 0));
    assert_eq!(consumer.next_batch(0).await.unwrap().len(), 1);
    assert_eq!((consumer.behind(), consumer.cursor(), consumer.name()), (0, 1, &name));
    log.close();
    let closed = consumer.next_batch(8).await.unwrap_err();
    assert!(matches!(closed, ConsumeError::Read(ReadError::Closed)));
}
