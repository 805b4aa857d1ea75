// Boost.Asio's TLS code, compiled once for those that use boost::asio::ssl.
// Runs in: controller (Run:ai client), tests.
#include <boost/asio/ssl/impl/src.hpp>
