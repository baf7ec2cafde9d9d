"""The log's format: kind (`w`rite, `f`lush, `m`ark), disk, offset, size; the data follow."""

import struct

RECORD = struct.Struct("<cBQI")
