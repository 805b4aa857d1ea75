// What answers each route, and what the answers have in common.
// Runs in: controller. Distrusts: target and body.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/json/object.hpp>
#include <string>

#include "gateway/controller/control/routes.hpp"
#include "gateway/controller/control/target.hpp"

namespace stowage::controller {

using Answered = Result<ControlAnswer>;

ControlAnswer plain(const boost::json::object& body);
Answered streamed(Result<StreamedAnswer> stream);
/// The lab that ?lab= names, the only key there may be; empty: all. Code::not_found.
Result<std::string> chosen_lab(const Context& context, const Target& target);

// lab_answers.cpp
boost::asio::awaitable<Answered> show_status(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> list_labs(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> show_lab(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_lab(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> patch_lab(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> remove_lab(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> verify_one(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> back_up(Context& context, Target target, std::string body);

// user_answers.cpp
boost::asio::awaitable<Answered> list_users(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_user(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_person(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> put_password(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> remove_one_user(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> list_secrets(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> drop_secrets(Context& context, Target target, std::string body);

// site_answers.cpp
boost::asio::awaitable<Answered> post_plan(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_apply(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_prune(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> get_doctor(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> post_doctor(Context& context, Target target, std::string body);

// online_answers.cpp
boost::asio::awaitable<Answered> list_sessions(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> kill_session(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> list_nfs_clients(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> list_bans(Context& context, Target target, std::string body);
boost::asio::awaitable<Answered> clear_bans(Context& context, Target target, std::string body);

}  // namespace stowage::controller
