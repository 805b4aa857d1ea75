// The client against a server that answers whatever it likes.
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>

#include "tests/unit/runai/fixture.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

namespace stowage::runai {
namespace {

constexpr auto nothrow = asio::as_tuple(asio::use_awaitable);

std::string reply_with(const std::string& body, const std::string& status = "200 OK",
                       const std::string& headers = "") {
    return "HTTP/1.1 " + status + "\r\nContent-Type: application/json\r\nConnection: close\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

/// Gives out a token and answers everything else with the same bytes.
struct Raw {
    explicit Raw(asio::io_context& context) : acceptor(context, {asio::ip::address_v4::loopback(), 0}) {}
    tcp::acceptor acceptor;
    std::string bytes, token_reply = reply_with(R"({"accessToken":"abc"})");
    int asked = 0, tokens = 0;
    std::string last_head;
};

asio::awaitable<void> answer_one(std::shared_ptr<Raw> raw, tcp::socket socket) {
    std::string head;
    auto [error, size] =
        co_await asio::async_read_until(socket, asio::dynamic_buffer(head, 1 << 20), "\r\n\r\n", nothrow);
    if (error) co_return;
    const bool token = head.rfind("POST /api/v1/token ", 0) == 0;
    if (token) ++raw->tokens;
    if (!token) {
        ++raw->asked;
        raw->last_head = head;
    }
    const auto bytes = token ? raw->token_reply : raw->bytes;
    co_await asio::async_write(socket, asio::buffer(bytes), nothrow);
    socket.shutdown(tcp::socket::shutdown_send, error);
    // Lets the client read it all before a reset could throw it away.
    std::string rest;
    co_await asio::async_read(socket, asio::dynamic_buffer(rest, 1 << 20), nothrow);
}

asio::awaitable<void> answer_all(std::shared_ptr<Raw> raw) {
    for (;;) {
        auto [error, socket] = co_await raw->acceptor.async_accept(nothrow);
        if (error) co_return;
        asio::co_spawn(raw->acceptor.get_executor(), answer_one(raw, std::move(socket)), asio::detached);
    }
}

class Hostile : public WithStandIn {
  protected:
    void SetUp() override {
        WithStandIn::SetUp();
        raw_ = std::make_shared<Raw>(context_);
        asio::co_spawn(context_, answer_all(raw_), asio::detached);
        auto there = settings();
        there.url = "http://127.0.0.1:" + std::to_string(raw_->acceptor.local_endpoint().port());
        there.request_timeout = std::chrono::seconds(3);
        connect(std::move(there));
    }
    void TearDown() override {
        raw_->acceptor.close();
        WithStandIn::TearDown();
    }
    Error refusal_of(std::string bytes) {
        raw_->bytes = std::move(bytes);
        raw_->asked = 0;
        const auto cluster = wait(client_->cluster());
        return cluster ? Error{Code::internal, "was let through"} : cluster.error();
    }
    std::shared_ptr<Raw> raw_;
};

TEST_F(Hostile, BodiesBeyondTheLimitAreNotRead) {
    auto refused = refusal_of("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n[");
    EXPECT_EQ(refused.code, Code::protocol);
    EXPECT_EQ(raw_->asked, 1);
    refused = refusal_of("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + std::string((8 << 20) + 1, ' '));
    EXPECT_EQ(refused.code, Code::protocol);
    EXPECT_NE(refused.what.find("larger than we take"), std::string::npos) << refused.what;
}

TEST_F(Hostile, EndlessHeadersAreNotRead) {
    const auto refused = refusal_of("HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x'));
    EXPECT_EQ(refused.code, Code::protocol);
}

TEST_F(Hostile, DeepJsonIsRefused) {
    const auto refused = refusal_of(reply_with(std::string(1 << 20, '[')));
    EXPECT_EQ(refused.code, Code::protocol);
    EXPECT_NE(refused.what.find("GET /api/v1/clusters"), std::string::npos) << refused.what;
}

TEST_F(Hostile, RedirectsAreReportedAndNotFollowed) {
    const auto refused = refusal_of(reply_with("", "302 Found", "Location: https://evil.example/\xe9\r\n"));
    EXPECT_EQ(refused.code, Code::protocol);
    EXPECT_NE(refused.what.find("\"https://evil.example/\\xe9\""), std::string::npos) << refused.what;
    EXPECT_EQ(raw_->asked, 1);
}

TEST_F(Hostile, InterimRepliesArePassedOver) {
    raw_->bytes =
        "HTTP/1.1 103 Early Hints\r\n\r\n" +
        reply_with(
            R"([{"uuid":"a418ed33-9399-48c0-a890-122cadd13bfd","name":"runai-cluster","tenantId":1}])");
    EXPECT_TRUE(wait(client_->cluster()));
    std::string many;
    for (int i = 0; i < 1000; ++i)
        many += "HTTP/1.1 103 Early Hints\r\n\r\n";
    EXPECT_NE(refusal_of(many).code, Code::internal);
}

TEST_F(Hostile, WhatIsNoHttpIsRefusedInTheEnd) {
    EXPECT_EQ(refusal_of("SSH-2.0-OpenSSH_9.2\r\n\r\n").code, Code::unavailable);
    EXPECT_EQ(raw_->asked, 5);
    EXPECT_EQ(refusal_of("").code, Code::unavailable);
}

TEST_F(Hostile, ErrorTextsAreEscaped) {
    const auto refused =
        refusal_of(reply_with("{\"code\":403,\"message\":\"no\\u001b[2J\\nway\"}", "403 Forbidden"));
    EXPECT_EQ(refused.code, Code::denied);
    EXPECT_NE(refused.what.find("403: no\\x1b[2J\\x0away"), std::string::npos) << refused.what;
    EXPECT_EQ(raw_->asked, 1);
}

TEST_F(Hostile, ClustersWithoutAUuidAreNotUsed) {
    const auto refused =
        refusal_of(reply_with(R"([{"uuid":"../../x","name":"runai-cluster","tenantId":1}])"));
    EXPECT_EQ(refused.code, Code::protocol);
}

TEST_F(Hostile, ListsWithoutEndAreRefused) {
    std::string elements;
    for (int i = 0; i <= 10000; ++i)
        elements += "{},";
    const auto error = refusal_of(reply_with("[" + elements + "{}]"));
    EXPECT_EQ(error.code, Code::protocol);
    EXPECT_NE(error.what.find("10002 elements"), std::string::npos) << error.what;
}

std::string users_of(int count, std::size_t padding) {
    std::string all;
    for (int i = 0; i < count; ++i)
        all += R"({"id":"u","username":"a@example.org","x":")" + std::string(padding, 'x') + "\"},";
    all.back() = ']';
    return '[' + all;
}

TEST_F(Hostile, PagesWithMoreThanWasAskedForAreRefused) {
    raw_->bytes = reply_with(users_of(501, 0));
    const auto refused = wait(client_->users());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol);
    EXPECT_NE(refused.error().what.find("501 elements"), std::string::npos) << refused.error().what;
    EXPECT_EQ(raw_->asked, 1);
}

/// Fails where only the pages are counted: 200 of 8 MiB are taken, and each kind of object has its list.
TEST_F(Hostile, ListsOfManyLargePagesAreRefused) {
    raw_->bytes = reply_with(users_of(500, 16000));
    const auto refused = wait(client_->users());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol);
    EXPECT_NE(refused.error().what.find("more than 64 MiB"), std::string::npos) << refused.error().what;
    EXPECT_LT(raw_->asked, 20);
}

TEST_F(Hostile, UnitsOfMorePoolsThanAClusterHasAreRefused) {
    std::string pools;
    for (int i = 0; i < 500; ++i)
        pools += "{},";
    raw_->bytes = reply_with(
        R"({"departments":[{"id":"1","name":"lab1","clusterId":"a418ed33-9399-48c0-a890-122cadd13bfd",)"
        R"("resources":[)" +
        pools + "{}]}]}");
    const auto refused =
        wait(client_->org_units(UnitKind::department, "a418ed33-9399-48c0-a890-122cadd13bfd"));
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("501 elements, and we take 500"), std::string::npos)
        << refused.error().what;
}

TEST_F(Hostile, AUserIdThatWouldAddAHeaderIsRefused) {
    for (const char* id : {"1\r\nX-Evil: 1", "1\n", "..", "a/b", "a b", "1\t", "\xc3\xa9", ""})
        EXPECT_EQ(wait(client_->delete_user(id)).error().code, Code::protocol) << id;
    EXPECT_EQ(raw_->asked, 0);
}

TEST_F(Hostile, ATokenThatLivesForEverIsGoodForADay) {
    // {"exp":253402300799}, the year 9999: as nanoseconds that is more than a clock can count.
    raw_->token_reply =
        reply_with(R"({"accessToken":"eyJhbGciOiJub25lIn0.eyJleHAiOjI1MzQwMjMwMDc5OX0.sig"})");
    raw_->bytes = reply_with("[]");
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(wait(client_->cluster()).error().code, Code::not_found);
    EXPECT_EQ(raw_->tokens, 1) << "what has run out already is asked for again and again";
}

TEST_F(Hostile, PagesThatGoRoundAreRefused) {
    raw_->bytes = reply_with(R"({"departments":[],"next":0})");
    const auto refused = wait(client_->department("a418ed33-9399-48c0-a890-122cadd13bfd", "lab1"));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol);
    EXPECT_EQ(raw_->asked, 1);
}

TEST_F(Hostile, ATokenThatWouldAddAHeaderIsRefused) {
    raw_->token_reply = reply_with("{\"accessToken\":\"a\\r\\nX-Evil: 1\"}");
    EXPECT_EQ(refusal_of(reply_with("[]")).code, Code::protocol);
    EXPECT_EQ(raw_->asked, 0);
}

TEST_F(Hostile, TheTokenGoesIntoOneHeader) {
    EXPECT_EQ(refusal_of(reply_with("[]")).code, Code::not_found);
    EXPECT_NE(raw_->last_head.find("\r\nAuthorization: Bearer abc\r\n"), std::string::npos)
        << raw_->last_head;
    EXPECT_EQ(raw_->last_head.rfind("GET /api/v1/clusters HTTP/1.1\r\n", 0), 0U) << raw_->last_head;
}

TEST_F(Hostile, AnUpdateThatStoresSomethingElseIsReported) {
    raw_->bytes =
        reply_with(R"({"meta":{"name":"lab1-nfs","scope":"department","departmentId":"100001","id":"x"},
        "spec":{"server":"nas.example.org","path":"/mnt/nfs/lab1","mountPath":"/mnt/nfs"}})",
                   "202 Accepted");
    const auto refused =
        wait(client_->update_nfs_data_source("a418ed33-9399-48c0-a890-122cadd13bfd", lab1()));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::protocol);
    EXPECT_NE(refused.error().what.find("readOnly: wanted false, found true"), std::string::npos);
}

}  // namespace
}  // namespace stowage::runai
