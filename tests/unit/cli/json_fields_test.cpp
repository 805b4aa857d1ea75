// Fields that may be missing or of a wrong type, and JSON for terminals.
#include "gateway/cli/json_fields.hpp"

#include <gmock/gmock.h>

#include <boost/json.hpp>

namespace stowage::cli {
namespace {

const boost::json::object sample =
    boost::json::parse(
        R"({"text":"t","whole":7,"real":1.5,"negative":-3,"huge":18446744073709551615,"yes":true,"null":null,)"
        R"("list":["a",{"name":"b"},7,""],"object":{},"moment":1790000000,"far":999999999999999})")
        .as_object();

TEST(JsonFields, ReadWhatIsThereAndNothingElse) {
    EXPECT_EQ(text_of(sample, "text"), "t");
    EXPECT_EQ(text_of(sample, "whole"), "7");
    EXPECT_EQ(text_of(sample, "object"), "");
    EXPECT_EQ(text_of(sample, "null"), "");
    EXPECT_EQ(text_of(sample, "missing"), "");
    EXPECT_EQ(number_of(sample, "whole"), 7u);
    EXPECT_EQ(number_of(sample, "huge"), 18446744073709551615u);
    EXPECT_EQ(number_of(sample, "negative", 9), 9u);
    EXPECT_EQ(number_of(sample, "text", 9), 9u);
    EXPECT_EQ(known_number(sample, "whole"), 7u);
    EXPECT_FALSE(known_number(sample, "null"));
    EXPECT_FALSE(known_number(sample, "missing"));
    EXPECT_TRUE(flag_of(sample, "yes"));
    EXPECT_FALSE(flag_of(sample, "text"));
    EXPECT_EQ(object_of(sample, "list"), nullptr);
    EXPECT_NE(object_of(sample, "object"), nullptr);
    EXPECT_TRUE(list_of(sample, "object").empty());
    EXPECT_EQ(joined(list_of(sample, "list")), "a, b");
}

TEST(JsonFields, TellMoments) {
    EXPECT_EQ(moment_of(sample, "moment"), "2026-09-21 14:13 UTC");
    EXPECT_EQ(moment_of(sample, "text"), "t");
    EXPECT_EQ(moment_of(sample, "far"), "");
    EXPECT_EQ(moment_of(sample, "missing"), "");
}

TEST(JsonFields, AsciiJsonKeepsTheMeaning) {
    const std::string text = "{\"a\":\"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80 \xc2\x9b \x7f\"}";
    const auto ascii = ascii_json(text);
    EXPECT_EQ(ascii, R"({"a":"\u00e4 \u20ac \ud83d\ude00 \u009b \u007f"})");
    EXPECT_EQ(boost::json::parse(ascii), boost::json::parse(text));
}

TEST(JsonFields, AsciiJsonSurvivesCutSequences) {
    EXPECT_EQ(ascii_json("\xf0\x9f"), "\\u001f");
    EXPECT_EQ(ascii_json("a\n b\t"), "a  b ");
}

}  // namespace
}  // namespace stowage::cli
