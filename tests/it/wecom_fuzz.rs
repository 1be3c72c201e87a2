//! What the fuzzer does, with few bytes in every run of the suite: bytes of all kinds, and messages that are nearly right.

#[path = "../../fuzz/fuzz_targets/exercise.rs"]
mod exercise;

use proptest::prelude::*;

const MESSAGE: &str = "<xml><ToUserName><![CDATA[corp]]></ToUserName><FromUserName>sys</FromUserName>\
    <CreateTime>1784088000</CreateTime><MsgType>event</MsgType><Event>change_external_chat</Event><ChatId>wr1</ChatId>\
    <ChangeType>update</ChangeType><UpdateDetail>add_member</UpdateDetail><JoinScene>3</JoinScene>\
    <MemChangeCnt>2</MemChangeCnt><MemChangeList><Item>wm1</Item><Item>wm2</Item></MemChangeList></xml>";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_bytes_break_what_reads_callbacks(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        exercise::callback(&bytes);
    }

    #[test]
    fn no_message_that_is_nearly_right_breaks_it(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = MESSAGE.as_bytes().to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        exercise::callback(&bytes);
        bytes.truncate(cut.index(bytes.len()));
        exercise::callback(&bytes);
    }
}
