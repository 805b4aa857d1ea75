// Boost.Asio's own code, compiled once for all processes that use it.
// Runs in: supervisor, front, worker, controller.
#include <boost/asio/impl/src.hpp>
