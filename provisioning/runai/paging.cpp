// Lists that come in pages.
// Runs in: controller. Distrusts: every page.
#include "provisioning/runai/paging.hpp"

namespace stowage::runai {

Call page_call(const ListShape& shape, std::int64_t offset) {
    Call call;
    call.path = shape.path;
    if (shape.end != ListShape::End::whole)
        call.query = fmt::format("?limit={}&offset={}", page_limit, offset);
    if (!shape.filter.empty())
        call.query += (call.query.empty() ? "?filterBy=" : "&filterBy=") + percent_encoded(shape.filter);
    return call;
}

Result<std::optional<std::int64_t>> next_page(const ListShape& shape, const Call& call, const Place& root,
                                              std::size_t count, std::int64_t offset) {
    using Next = std::optional<std::int64_t>;
    if (shape.end == ListShape::End::whole) return Next();
    if (shape.end == ListShape::End::short_page)
        return count < page_limit ? Next() : Next(offset + static_cast<std::int64_t>(count));
    TRY(const auto next, root.maybe("next"));
    if (!next) return Next();
    TRY(const auto at, next->integer());
    if (at <= offset)
        return Error{Code::protocol, fmt::format("{}: after offset {} the reply names {} as the next one",
                                                 call.name(), offset, at)};
    return Next(at);
}

}  // namespace stowage::runai
