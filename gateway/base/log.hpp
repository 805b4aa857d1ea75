// Structured key=value lines on standard error, with a journald priority in front.
// Runs in: every process. Distrusts: every value; bytes outside printable ASCII are escaped.
#pragma once

#include <fmt/core.h>

#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

namespace stowage::log {

enum class Level { error = 3, warning = 4, notice = 5, info = 6, debug = 7 };

/// One key=value pair. The value is quoted and escaped when it holds more than plain word characters.
struct Field {
    std::string_view key;
    std::string value;

    template <typename T>
    Field(std::string_view key_, const T& value_) : key(key_) {
        if constexpr (std::is_convertible_v<const T&, std::string_view>)
            value = std::string(std::string_view(value_));
        else
            value = fmt::format("{}", value_);
    }
};

/// Names this process in every line ("front", "worker:lab1") and sets the lowest level shown.
void start(std::string process_name, Level level);

/// Writes `<6>process=worker event=login lab=lab1 …` as one write(2). Never throws. Waits while the pipe to
/// the supervisor is full: lines that strangers may cause without end go through line_limit.hpp.
void write(Level level, std::string_view event, std::initializer_list<Field> fields);

inline void error(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::error, event, fields);
}
inline void warning(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::warning, event, fields);
}
inline void notice(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::notice, event, fields);
}
inline void info(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::info, event, fields);
}
inline void debug(std::string_view event, std::initializer_list<Field> fields) {
    write(Level::debug, event, fields);
}

/// Printable ASCII stays, a backslash doubles, everything else becomes \xNN: safe for a log, a reply, a
/// terminal.
std::string escaped(std::string_view bytes);

}  // namespace stowage::log
