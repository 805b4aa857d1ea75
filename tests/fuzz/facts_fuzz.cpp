// libFuzzer: any bytes as arguments of OPTS MLST, MFF, MFMT, MFCT, SITE UTIME, SITE CHMOD and OPTS HASH, and
// as the attribute that says how long a partial has lain idle.
// Planted, and found within a second: a mode beyond 07777 (parse_mode()), after some 2,000 inputs.
#include "ftps/worker/digest.hpp"
#include "ftps/worker/fact_arguments.hpp"
#include "ftps/worker/file_times.hpp"
#include "ftps/worker/idle_age.hpp"
#include "ftps/worker/listing_lines.hpp"
#include "tests/fuzz/demand.hpp"

using namespace stowage;
using namespace stowage::ftps;
using fuzz::demand;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto text = fuzz::text_of(data, size);
    const auto chosen = parse_facts(text);
    demand((chosen & ~all_facts) == 0);
    demand(parse_facts(fact_names(chosen, false)) == chosen);

    if (const auto time = parse_fact_time(text)) {
        const auto written = fact_time(*time);
        // A leap second is the next minute's first.
        demand(written.size() == 14 && (text.substr(12, 2) == "60" || text.starts_with(written)));
        demand(parse_fact_time(written).value() == *time);
        demand(list_time(*time, 0).size() == 12);
    }
    if (const auto mode = parse_mode(text)) demand(*mode <= 07777);
    const auto facts = parse_new_facts(text);
    if (facts && facts->mode) demand(*facts->mode <= 07777);
    if (facts && facts->created)
        demand(parse_fact_time(fact_time(*facts->created)).value() == *facts->created);
    if (const auto utime = parse_utime(std::string(text)))
        demand(!utime->path.empty() && text.find(utime->path) != std::string_view::npos);
    if (const auto algorithm = hash_named(text)) demand(hash_name(*algorithm).size() == size);

    if (auto idle = IdleAge::parse(text)) {
        demand(IdleAge::parse(idle->text()).value().text() == idle->text());
        const auto before = idle->age();
        idle->look({std::chrono::seconds(1'000'000'000'000), std::chrono::seconds(1'000'000'000'000)});
        demand(idle->age() >= before);
    }

    // Times of files are their owners' as well: any number has a form.
    auto rest = text;
    const auto seconds = fuzz::take_value<std::int64_t>(rest), now = fuzz::take_value<std::int64_t>(rest);
    demand(fact_time(seconds).size() == 14 && list_time(seconds, now >> 2).size() == 12);
    return 0;
}
