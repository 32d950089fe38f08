use super::super::testing::{connect, guest};
use super::*;
use std::sync::Barrier;
use std::{mem, thread};

fn is_ours<T: Object>(pointer: *mut T::C) -> bool {
    matches!(resolve::<T>(pointer), Resolved::Ours(_))
}

#[test]
fn a_pointer_is_told_apart_without_looking_at_what_it_points_to() {
    let conn = connect(false);
    let pointer = conn.as_ptr();
    assert!(is_ours::<Connect>(pointer));
    assert!(matches!(resolve::<Domain>(pointer.cast()), Resolved::Stale), "of another class");
    assert!(matches!(resolve::<Connect>(pointer.wrapping_byte_add(8)), Resolved::Stale), "not the start of a slot");
    assert!(matches!(resolve::<Connect>(ptr::null_mut()), Resolved::Null));
    assert!(matches!(resolve::<Connect>(16 as *mut _), Resolved::Foreign));
    drop(conn);
    assert!(matches!(resolve::<Connect>(pointer), Resolved::Stale), "freed");
}

#[test]
fn a_domain_keeps_its_connection_open() {
    let conn = connect(false).into_ptr();
    let domain = match resolve::<Connect>(conn) {
        Resolved::Ours(connect) => connect.domain_handle(guest()).expect("open").into_ptr(),
        _ => unreachable!("it was just made"),
    };
    assert_eq!(release::<Connect>(conn), Some(1));
    assert!(is_ours::<Connect>(conn));
    assert_eq!(release::<Domain>(domain), Some(0));
    assert!(!is_ours::<Connect>(conn));
    assert_eq!(release::<Domain>(domain), None, "freed twice");
    assert_eq!(release::<Connect>(conn), None);
}

#[test]
fn a_call_that_is_under_way_outlives_the_handle() {
    let conn = connect(true);
    let Resolved::Ours(object) = resolve::<Connect>(conn.as_ptr()) else { unreachable!("it was just made") };
    drop(conn);
    assert!(object.readonly);
    assert!(object.reference().is_err());
}

#[test]
fn a_freed_handle_does_not_soon_mean_another_object() {
    let object = connect(false).object().clone();
    let mut table = Table::default();
    let place = |table: &mut Table| table.place(Any::Connect(object.clone())).expect("memory");
    let stale = place(&mut table);
    let index = table.index(stale).expect("a slot");
    table.vacate(index);
    for _ in 0..QUARANTINE {
        let other = place(&mut table);
        assert_ne!(other, stale);
        let index = table.index(other).expect("a slot");
        table.vacate(index);
    }
    assert_eq!(place(&mut table), stale, "but slots do not pile up either");
}

#[test]
fn handles_can_be_made_used_and_freed_by_many_threads_at_once() {
    let conn = connect(false);
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                start.wait();
                for _ in 0..3000 {
                    let mine = conn.domain_handle(guest()).expect("open");
                    let again = retain::<Domain>(mine.as_ptr()).expect("it is there");
                    assert_eq!(mine.into_ptr(), again.as_ptr());
                    assert_eq!(release::<Domain>(again.as_ptr()), Some(1));
                }
            });
        }
    });
    let pointer = conn.as_ptr();
    mem::drop(conn);
    assert!(!is_ours::<Connect>(pointer), "every domain gave its reference back");
}

#[test]
fn one_reference_is_dropped_once_however_many_threads_try() {
    let pointer = connect(false).into_ptr() as usize;
    let start = Barrier::new(4);
    let dropped: Vec<_> = thread::scope(|scope| {
        let one = || {
            start.wait();
            release::<Connect>(pointer as *mut _)
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|t| t.join().expect("no panic")).collect()
    });
    assert_eq!(dropped.iter().filter(|d| d.is_some()).count(), 1);
}
