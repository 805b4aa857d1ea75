// The CAs that a lab's client certificates must lead to.
// Runs in: controller. Distrusts: the text.
#pragma once

#include <string>
#include <string_view>

#include "gateway/base/result.hpp"

namespace stowage::controller {

/// The certificates of a PEM bundle, written anew: nothing else of the file (comments, a private key put
/// there by mistake) is kept. Code::invalid when there is none, when one is no CA or has expired, or when
/// they are more than a message holds.
Result<std::string> check_client_cas(std::string_view bundle);

}  // namespace stowage::controller
