// Calendar arithmetic by <chrono>.
// Runs in: worker.
#include "ftps/worker/file_times.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>

namespace stowage::ftps {

namespace {

constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::int64_t six_months = 183 * 24 * 3600;
// Years 0 to 9999: what lies outside has no form in FTP.
constexpr std::int64_t earliest = -62167219200, latest = 253402300799;

struct Parts {
    int year;
    unsigned month, day, hour, minute, second;
};

Parts parts_of(std::int64_t seconds) {
    const std::chrono::sys_seconds time{std::chrono::seconds(std::clamp(seconds, earliest, latest))};
    const auto day = std::chrono::floor<std::chrono::days>(time);
    const std::chrono::year_month_day date{day};
    const auto rest = static_cast<unsigned>((time - day).count());
    return {static_cast<int>(date.year()),
            static_cast<unsigned>(date.month()),
            static_cast<unsigned>(date.day()),
            rest / 3600,
            rest / 60 % 60,
            rest % 60};
}

/// The last `digits` decimal digits of a number, in place: a listing has a time in each line.
void put(char* text, std::size_t digits, unsigned number) {
    for (; digits > 0; number /= 10)
        text[--digits] = static_cast<char>('0' + number % 10);
}

}  // namespace

std::array<char, 14> fact_digits(std::int64_t seconds) {
    const auto p = parts_of(seconds);
    std::array<char, 14> digits;
    put(digits.data(), 4, static_cast<unsigned>(p.year));
    put(&digits[4], 2, p.month);
    put(&digits[6], 2, p.day);
    put(&digits[8], 2, p.hour);
    put(&digits[10], 2, p.minute);
    put(&digits[12], 2, p.second);
    return digits;
}

std::string fact_time(std::int64_t seconds) {
    const auto digits = fact_digits(seconds);
    return {digits.data(), digits.size()};
}

Result<std::int64_t> parse_fact_time(std::string_view text) {
    const Error bad{Code::invalid, "not a time: " + std::string(text.substr(0, 40)),
                    "write it as YYYYMMDDHHMMSS, in UTC"};
    const bool fraction = text.size() > 15 && text[14] == '.';
    const auto digits = text.substr(0, 14);
    if (digits.size() != 14 || (text.size() > 14 && !fraction)) return bad;
    if (!std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || c == '.'; }))
        return bad;
    const auto number = [digits](std::size_t at, std::size_t size) {
        int value = -1;
        std::from_chars(digits.data() + at, digits.data() + at + size, value);
        return value;
    };
    const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                           std::chrono::month(static_cast<unsigned>(number(4, 2))),
                                           std::chrono::day(static_cast<unsigned>(number(6, 2)))};
    const int hour = number(8, 2), minute = number(10, 2), second = number(12, 2);
    if (!date.ok() || hour > 23 || minute > 59 || second > 60 || digits.find('.') != std::string_view::npos)
        return bad;
    const auto day = std::chrono::sys_days(date).time_since_epoch();
    return std::chrono::duration_cast<std::chrono::seconds>(day).count() + hour * 3600 + minute * 60 + second;
}

std::string list_time(std::int64_t seconds, std::int64_t now) {
    const auto p = parts_of(seconds);
    const bool recent = seconds <= now + 3600 && seconds > now - six_months;
    std::string text = recent ? "Mon    00:00" : "Mon     0000";
    text.replace(0, 3, months[p.month - 1]);
    if (p.day >= 10) put(&text[4], 1, p.day / 10);
    put(&text[5], 1, p.day % 10);
    if (!recent) {
        put(&text[8], 4, static_cast<unsigned>(p.year));
        return text;
    }
    put(&text[7], 2, p.hour);
    put(&text[10], 2, p.minute);
    return text;
}

std::string shown_time(std::int64_t seconds) {
    const auto p = parts_of(seconds);
    return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} UTC", p.year, p.month, p.day, p.hour, p.minute,
                       p.second);
}

}  // namespace stowage::ftps
