use proptest::prelude::*;
use uuid::Uuid;

use crate::trace_context::{TraceParent, TraceParentError};

fn check(text: &str, expected: Result<(), TraceParentError>) {
    assert_eq!(text.parse::<TraceParent>().map(|_| ()), expected, "{text}");
}

#[test]
fn the_forms_of_the_recommendation() {
    let (trace, span) = ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331");
    check(&format!("00-{trace}-{span}-01"), Ok(()));
    check(&format!("00-{trace}-{span}-00"), Ok(()));
    check(&format!("cc-{trace}-{span}-01-what-the-future-brings"), Ok(()));
    check(&format!("00-{trace}-{span}-01-more"), Err(TraceParentError::Form));
    check(&format!("ff-{trace}-{span}-01"), Err(TraceParentError::Version));
    check(&format!("00-{}-{span}-01", trace.to_uppercase()), Err(TraceParentError::Form));
    check(&format!("00-{trace}-{span}"), Err(TraceParentError::Form));
    check(&format!("00-{trace}-{span}-+1"), Err(TraceParentError::Form));
    check(&format!("00-{}-{span}-01", "0".repeat(32)), Err(TraceParentError::Zero));
    check(&format!("00-{trace}-{}-01", "0".repeat(16)), Err(TraceParentError::Zero));
    check("", Err(TraceParentError::Form));
}

#[test]
fn a_correlation_id_always_leads_to_the_same_trace() {
    let id = Uuid::now_v7();
    let (first, second) = (TraceParent::from_correlation(id), TraceParent::from_correlation(id));
    assert_eq!(first, second);
    assert_eq!(first.map(|parent| parent.trace_id()), Some(*id.as_bytes()));
    assert_eq!(TraceParent::from_correlation(Uuid::nil()), None);
    let child = first.and_then(|parent| parent.child([1; 8]));
    assert_eq!(
        child.map(|child| (child.trace_id(), child.span_id())),
        Some((*id.as_bytes(), [1; 8]))
    );
}

proptest! {
    #[test]
    fn what_is_written_is_read(trace: [u8; 16], span: [u8; 8], sampled: bool) {
        if let Some(parent) = TraceParent::new(trace, span, sampled) {
            prop_assert_eq!(parent.to_string().parse(), Ok(parent));
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text: String) {
        let _ = text.parse::<TraceParent>();
    }
}
