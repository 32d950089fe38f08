use super::*;
use crate::xml::writer::source;
use proptest::prelude::*;

/// The message that a document is refused with; the code is always the same.
fn refusal(text: &str) -> String {
    let error = parse_as(text, "domain_definition").expect_err(text);
    assert_eq!(error.code, code::XML_DETAIL, "{text}");
    error.message()
}

#[test]
fn a_document_is_read_into_names_attributes_and_text() {
    let text = "<?xml version='1.0' encoding='UTF-8'?>\n<!-- before -->\n<a x = \"1'\" y='&lt;&#65;&#x42;'\n>one\
                <b/> two <?pi?><c:d xmlns:c='urn:c'>&amp;<![CDATA[<&>]]><!-- in -->&#xe9;</c:d>\n</a>\n<!-- after -->";
    let root = parse(text).expect("well formed");
    assert_eq!((root.name.as_str(), root.line), ("a", 3));
    assert_eq!((root.attr("x"), root.attr("y"), root.attr("z")), (Some("1'"), Some("<AB"), None));
    assert_eq!(root.text, "one");
    assert_eq!(root.child("b").map(|b| (b.line, b.tail.as_str())), Some((4, " two ")));
    assert_eq!(root.child_text("c:d"), Some("&<&>é"));
    assert_eq!(root.children_named("b").count(), 1);
}

#[test]
fn white_space_is_normalized_as_xml_says() {
    let root = parse("<a x='1\n2\t3\r\n4&#10;5'>1\r\n2\r3&#13;</a>").expect("well formed");
    assert_eq!(root.attr("x"), Some("1 2 3 4\n5"));
    assert_eq!(root.text, "1\n2\n3\r");
}

#[test]
fn what_is_not_well_formed_is_refused() {
    let documents = [
        "",
        "   ",
        "abc",
        "<a",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a/>&amp;",
        "&amp;<a/>",
        "<![CDATA[x]]><a/>",
        "<a/><![CDATA[]]>",
        "<a x/>",
        "<a x=1/>",
        "<a x='1/>",
        "<a x='1' x='2'/>",
        "<a x='<'/>",
        "<a x='&'/>",
        "<a x='&foo;'/>",
        "<a>&foo;</a>",
        "<a>&</a>",
        "<a>&#0;</a>",
        "<a>&#1;</a>",
        "<a>&#xFFFE;</a>",
        "<a>&#xD800;</a>",
        "<a>&#x110000;</a>",
        "<a>&#;</a>",
        "<a x='&#8;'/>",
        "<a>\u{0}</a>",
        "<a>\u{1}</a>",
        "<a>\u{ffff}</a>",
        "<1a/>",
        "<\u{b7}/>",
        "<a/ >",
        "< a/>",
        "<a x='1'y='2'/>",
        "<a>]]></a>",
        "<a><?XML x?></a>",
        "<a><?1 x?></a>",
        "<a 1x='y'/>",
        "<a><b</a>",
        "<a><!-- -- --></a>",
        "<a><!-- </a>",
        "<a><![CDATA[ </a>",
        "<a></a x='y'>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<?xml version='1.1'?><a/>",
        "<?xml encoding='UTF-8'?><a/>",
        "<?xml version='1.0' encoding='ISO-8859-1'?><a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<a><!DOCTYPE b></a>",
    ];
    for text in documents {
        refusal(text);
    }
}

#[test]
fn an_error_names_the_document_and_the_line_and_points_at_the_place() {
    assert_eq!(
        refusal("<domain>\n  <name>é&foo;</name>\n</domain>"),
        "(domain_definition):2: entity 'foo' is not defined\n  <name>é&foo;</name>\n---------^"
    );
    assert!(refusal("<a>\n\n<b>").starts_with("(domain_definition):3: element 'b' of line 3 is not closed"));
    let long = format!("<a>{}</b>", "x".repeat(10_000));
    assert!(refusal(&long).len() < 300, "a long line is quoted in part");
}

#[test]
fn a_document_is_refused_beyond_each_limit_and_read_at_it() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(parse(&nested(MAX_DEPTH)).is_ok());
    assert!(refusal(&nested(MAX_DEPTH + 1)).contains("nested deeper"));

    let attributes = |n: usize| format!("<a {}/>", (0..n).map(|i| format!("x{i}='' ")).collect::<String>());
    assert!(parse(&attributes(MAX_ATTRIBUTES)).is_ok());
    assert!(refusal(&attributes(MAX_ATTRIBUTES + 1)).contains("attributes"));

    let siblings = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n - 1));
    assert!(parse(&siblings(MAX_NODES)).is_ok());
    assert!(refusal(&siblings(MAX_NODES + 1)).contains("elements and attributes"));

    let text = |n: usize| format!("<a>{}</a>", "x".repeat(n - 7));
    assert!(parse(&text(MAX_BYTES)).is_ok());
    assert!(refusal(&text(MAX_BYTES + 1)).contains("longer"));
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(parse("\u{feff}<?xml version='1.0'?><a/>").map(|a| a.name), Ok("a".to_owned()));
}

#[test]
fn a_root_of_another_name_is_refused_as_libvirt_words_it() {
    let error = parse("<network/>").and_then(|root| root.expect_name("domain")).expect_err("not a domain");
    assert_eq!(error.message(), "XML error: expecting root element of 'domain', not 'network'");
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "b-c", "d:e", "_f", "é"]).prop_map(str::to_owned)
}

/// Text of everything that XML can hold, with what needs escaping more often than chance has it.
fn text() -> impl Strategy<Value = String> {
    let c = prop_oneof![prop::sample::select(vec!['<', '>', '&', '\'', '"', '\n', '\r', '\t', ' ', ']', 'é']), any::<char>()];
    prop::collection::vec(c.prop_filter("not XML", |&c| is_xml_char(c)), 0..8).prop_map(String::from_iter)
}

fn element() -> impl Strategy<Value = Element> {
    let attributes = || prop::collection::btree_map(name(), text(), 0..3).prop_map(|map| map.into_iter().collect());
    let leaf = (name(), attributes(), text(), text()).prop_map(|(name, attributes, text, tail)| Element {
        name,
        attributes,
        text,
        tail,
        ..Element::default()
    });
    leaf.prop_recursive(4, 24, 4, move |inner| {
        (name(), attributes(), text(), text(), prop::collection::vec(inner, 0..4))
            .prop_map(|(name, attributes, text, tail, children)| Element { name, attributes, text, tail, children, line: 0 })
    })
}

proptest! {
    #[test]
    fn an_element_survives_being_written_and_read(element in element()) {
        let element = Element { tail: String::new(), ..element };
        prop_assert_eq!(parse(&source(&element)), Ok(element));
    }

    #[test]
    fn any_text_is_read_or_refused_without_a_panic(text in any::<String>()) {
        let _ = parse(&text);
    }

    #[test]
    fn a_damaged_document_is_read_or_refused_without_a_panic(element in element(), cut in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = source(&element).into_bytes();
        let at = cut.index(bytes.len());
        bytes[at] = byte;
        let _ = parse(&String::from_utf8_lossy(&bytes));
        let _ = parse(&String::from_utf8_lossy(&bytes[..at]));
    }
}
