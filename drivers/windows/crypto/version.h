/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's version: in CRYPTO_INFO, in the version resource, and in the INF's DriverVer (a test compares them). */
#ifndef CRYPTO_VERSION_H
#define CRYPTO_VERSION_H

#define DRIVER_MAJOR 1
#define DRIVER_MINOR 0
#define DRIVER_BUILD 0

#endif
