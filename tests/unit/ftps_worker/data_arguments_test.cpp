// Arguments of PORT and EPRT.
// Runs in: tests only.
#include <gtest/gtest.h>

#include "ftps/worker/data_arguments.hpp"

namespace stowage::ftps {

TEST(DataArguments, PortIsSixNumbers) {
    const auto good = parse_port_argument("192,0,2,7,195,80");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->address().to_string(), "192.0.2.7");
    EXPECT_EQ(good->port(), 50000);
    for (const auto* text : {"", "1,2,3,4,5", "1,2,3,4,5,6,7", "1,2,3,4,5,256", "1,2,3,4,5,-6", "1,2,3,4,5,",
                             "a,b,c,d,e,f", "1, 2,3,4,5,6", "1,2,3,4,5,6 "})
        EXPECT_FALSE(parse_port_argument(text)) << text;
}

TEST(DataArguments, EprtIsRfc2428s) {
    EXPECT_EQ(parse_eprt_argument("|1|192.0.2.7|50000|").value().address().to_string(), "192.0.2.7");
    EXPECT_EQ(parse_eprt_argument("|2|2001:db8::7|50000|").value().port(), 50000);
    EXPECT_EQ(parse_eprt_argument("!1!192.0.2.7!1!").value().port(), 1);
    EXPECT_EQ(parse_eprt_argument("|3|x|1|").error().code, Code::unsupported);
    for (const auto* text :
         {"", "|", "||||", "|1|192.0.2.7|50000", "|1|192.0.2.7|70000|", "|2|192.0.2.7|5000|",
          "|1|2001:db8::7|5000|", "|2|fe80::1%lo|5000|", "|1|192.0.2.7|5000|6|", "|1||5000|"})
        EXPECT_FALSE(parse_eprt_argument(text)) << text;
}

}  // namespace stowage::ftps
