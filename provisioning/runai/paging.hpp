// Lists that come in pages: all of them, whatever the way in which they say that more is to come.
// Runs in: controller. Distrusts: every page.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "provisioning/runai/base_url.hpp"
#include "provisioning/runai/caller.hpp"
#include "provisioning/runai/document.hpp"

namespace stowage::runai {

/// Where a list stands in its reply, and how it ends.
struct ListShape {
    std::string path;
    std::string key = {};     ///< member that holds the array; empty: the reply is the array
    std::string filter = {};  ///< of filterBy; empty: none
    enum class End {
        whole,       ///< no pages at all
        short_page,  ///< a page with less than was asked for is the last
        next         ///< the reply's `next`, absent at the end
    } end = End::whole;
};

inline constexpr std::size_t page_limit = 500;  ///< the API's maximum
inline constexpr int max_list_pages = 200;
/// Of all pages of one list: several times what 20,000 users or rules take.
inline constexpr std::size_t max_list_bytes = 64 << 20;

Call page_call(const ListShape& shape, std::int64_t offset);

/// The offset of the next page; nothing at the end. Code::protocol for a `next` that leads nowhere.
Result<std::optional<std::int64_t>> next_page(const ListShape& shape, const Call& call, const Place& root,
                                              std::size_t count, std::int64_t offset);

/// Every element that `read` does not leave out.
template <typename T>
boost::asio::awaitable<Result<std::vector<T>>> read_list(
    std::shared_ptr<Caller> caller, ListShape shape, Result<std::optional<T>> (*read)(const Place& place)) {
    std::vector<T> all;
    std::size_t bytes = 0;
    std::int64_t offset = 0;
    for (int pages = 0; pages < max_list_pages; ++pages) {
        const auto call = page_call(shape, offset);
        CO_TRY(const auto reply, co_await perform(caller, call));
        if (reply.status >= 400) co_return refusal(call, reply);
        const auto operation = call.name();
        bytes += reply.bytes;
        if (bytes > max_list_bytes)
            co_return Error{
                Code::protocol,
                fmt::format("{}: its pages have more than {} MiB", operation, max_list_bytes >> 20),
                "is runai.url the Run:ai control plane itself?"};
        const Place root(reply.json, operation);
        std::optional<Place> list = root;
        if (!shape.key.empty()) {
            CO_TRY(list, root.maybe(shape.key));
        }
        std::vector<Place> places;
        if (list) {
            // More than was asked for is no page: 200 of them would be without bounds.
            CO_TRY(places, list->elements(shape.end == ListShape::End::whole ? max_elements : page_limit));
        }
        for (const auto& place : places) {
            CO_TRY(auto one, read(place));
            if (one) all.push_back(std::move(*one));
        }
        CO_TRY(const auto next, next_page(shape, call, root, places.size(), offset));
        if (!next) co_return all;
        offset = *next;
    }
    co_return Error{Code::protocol, fmt::format("GET {}: more than {} pages", shape.path, max_list_pages)};
}

}  // namespace stowage::runai
