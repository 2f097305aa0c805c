// SPDX-License-Identifier: Apache-2.0
// Asio and Beast are compiled once, here (BOOST_ASIO_SEPARATE_COMPILATION and its Beast twin are
// set for this module), so that the files that use them stay quick to build.
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
