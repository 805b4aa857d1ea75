// What all messages between processes are made of: fixed structs, one per SEQPACKET packet, size-capped.
// Runs in: every process but the CLI. Distrusts: each field, until it was checked by its receiver; who may
// send which message when is in gateway/supervisor/admission.hpp.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace stowage::message {

/// Text in a message: a length and N bytes, never terminated. assign() cuts nothing: it answers false when
/// the text does not fit.
template <std::size_t N>
struct Text {
    std::uint16_t size = 0;
    std::array<char, N> bytes{};

    [[nodiscard]] bool assign(std::string_view text) {
        if (text.size() > N) return false;
        bytes.fill(0);
        size = static_cast<std::uint16_t>(text.size());
        std::memcpy(bytes.data(), text.data(), text.size());
        return true;
    }
    /// As assign(), but keeps the first N bytes: for texts that are only shown.
    void assign_cut(std::string_view text) { (void)assign(text.substr(0, N)); }
    /// A hostile length never reaches past the array.
    std::string_view view() const { return {bytes.data(), size <= N ? size : std::size_t{0}}; }
    std::string str() const { return std::string(view()); }
};

using LabName = Text<57>;
using UserName = Text<64>;
using Address = Text<48>;     ///< numeric IPv4 or IPv6 text, an IPv4-mapped address as plain IPv4
using ClientName = Text<80>;  ///< what the client calls itself: any bytes
using Nonce = std::array<std::uint8_t, 16>;
using Uuid = std::array<std::uint8_t, 16>;

enum class Type : std::uint16_t {
    // supervisor -> any child, first packet
    start_front = 1,
    start_worker,
    start_controller,
    // supervisor -> front
    listener,
    login_reply,
    verify_client,
    // supervisor -> front and worker
    certificate,
    ticket_key,
    drain,
    // front -> supervisor
    login_request,
    session_ended,
    client_verified,
    // supervisor -> front
    put_ban,
    lift_ban,
    // supervisor -> worker
    session_start,
    lab_settings,
    activity_query,
    lab_usage,
    // worker -> supervisor
    idle,
    activity,
    usage_query,
    // any child -> supervisor
    ready,
    // controller -> supervisor
    put_lab,
    remove_lab,
    put_account,
    remove_account,
    accounts_complete,
    step_request,
    status_query,
    sessions_query,
    bans_query,
    clear_bans,
    // controller -> supervisor -> worker and front
    end_session,
    // supervisor -> controller
    session_entry,
    ban_entry,
    list_end,
    action_reply,
    step_reply,
    status_entry,
    status_end,
    // supervisor <-> login
    login_attempt,
    login_result,
    // supervisor -> nfs_server, first packet
    start_nfs_server,
    // root_step -> supervisor -> controller
    nfs_client_entry,
};

/// In front of each struct. `id` pairs a reply with its request; 0 where nothing is answered.
struct Header {
    Type type;
    std::uint16_t reserved = 0;
    std::uint32_t id = 0;
};

enum class QuotaBackend : std::uint8_t { none = 1, btrfs, xfs, ext4, cephfs };

/// The largest struct above with its header, and some room.
inline constexpr std::size_t max_packet_bytes = 8192;
/// The most descriptors that one packet may carry.
inline constexpr std::size_t max_packet_fds = 4;

}  // namespace stowage::message
