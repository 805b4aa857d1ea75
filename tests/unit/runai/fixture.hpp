// A client and the stand-in in one event loop.
// Runs in: tests.
#pragma once

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "provisioning/runai/client.hpp"
#include "tests/support/runai_stand_in/api.hpp"
#include "tests/support/runai_stand_in/server.hpp"

namespace stowage::runai {

class WithStandIn : public testing::Test {
  protected:
    static constexpr const char* secret = "t0p \"secret\"";

    stand_in::Options options() {
        stand_in::Options options;
        options.departments = {"lab1", "lab2"};
        options.client_secret = Secret(secret);
        return options;
    }
    void serve(stand_in::Options options) {
        server_.reset();
        auto started = stand_in::Server::start(context_.get_executor(), std::move(options));
        ASSERT_TRUE(started) << started.error().text();
        server_ = std::move(*started);
    }
    /// Waits short enough for tests; everything else as in production.
    Settings settings() {
        Settings settings;
        settings.url = server_->url();
        settings.cluster = "runai-cluster";
        settings.client_id = "stowage";
        settings.client_secret = Secret(secret);
        settings.request_timeout = std::chrono::seconds(10);
        settings.retries.first_wait = std::chrono::milliseconds(5);
        settings.retries.max_wait = std::chrono::milliseconds(20);
        return settings;
    }
    void connect(Settings settings) {
        auto client = Client::make(context_.get_executor(), std::move(settings));
        ASSERT_TRUE(client) << client.error().text();
        client_.emplace(std::move(*client));
    }
    void SetUp() override {
        serve(options());
        connect(settings());
    }
    void TearDown() override {
        client_.reset();
        server_.reset();
        context_.restart();
        context_.run_for(std::chrono::seconds(5));
    }

    /// Runs the loop until all of these are done, at most two minutes.
    template <typename T>
    std::vector<T> all(std::vector<boost::asio::awaitable<T>> work) {
        std::vector<std::future<T>> futures;
        for (auto& one : work)
            futures.push_back(boost::asio::co_spawn(context_, std::move(one), boost::asio::use_future));
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(120);
        std::vector<T> results;
        for (auto& future : futures) {
            context_.restart();
            while (future.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
                if (std::chrono::steady_clock::now() > limit) throw std::runtime_error("not done in time");
                context_.run_one_for(std::chrono::milliseconds(100));
            }
            results.push_back(future.get());
        }
        return results;
    }
    template <typename T>
    T wait(boost::asio::awaitable<T> work) {
        std::vector<boost::asio::awaitable<T>> one;
        one.push_back(std::move(work));
        return std::move(all(std::move(one)).front());
    }

    void fail(const char* operation, stand_in::FaultKind kind, unsigned count = 1, unsigned status = 503,
              unsigned retry_after = 1) {
        server_->api().faults().add({operation, kind, count, status, retry_after});
    }
    std::size_t calls(const char* operation) { return server_->api().calls(operation); }
    std::size_t stored() { return server_->api().store().all("nfs").size(); }
    NfsDataSource lab1() {
        return {"lab1-nfs", "100001", "nas.example.org", "/mnt/nfs/lab1", "/mnt/nfs", false};
    }
    /// Stores it behind the client's back.
    std::string store(const NfsDataSource& source, const std::string& scope = "department");

    boost::asio::io_context context_{1};
    std::unique_ptr<stand_in::Server> server_;
    std::optional<Client> client_;
};

}  // namespace stowage::runai
