"""Older names, and names from torch's own code, held against torch: values, errors and warnings."""

import pytest

torch = pytest.importorskip("torch")

from expressions import check, each

import minigrad

torch.set_warn_always(True)

SMALL = """
torch.fill(x,2.)
torch.fill(x,x[0])
torch.fill(x,i)
torch.fill(i,2.7)
torch.fill_(x*1,2.), torch.zero_(x*1), torch.fill_(n,3)
torch.index_put_(n,(i-1,),torch.tensor(5.))
torch.addmv_(n[:,0],n,torch.ones(3))
torch.split_with_sizes(n,[1,2],1)
torch.split_with_sizes(n,2,1)
torch.split_with_sizes(x[0],[1])
n.split_with_sizes((1,1))
torch.scalar_tensor(3), torch.scalar_tensor(3,dtype=torch.int64), torch.scalar_tensor(3.7,dtype=torch.int64)
torch.scalar_tensor('a')
torch.scalar_tensor(torch.tensor(2.)), torch.scalar_tensor(3, requires_grad=True)
torch.is_same_size(n,x), n.is_same_size(n)
torch.is_same_size(n,3)
torch.is_signed(n), torch.is_signed(n.bool()), torch.is_signed(n.byte())
torch.is_signed(3)
torch.typename(n), torch.typename(3), torch.typename(np.ndarray), torch.typename(np.ones(2)), torch.typename(len), torch.typename('a')
torch.set_anomaly_enabled(True), torch.is_anomaly_enabled(), torch.set_anomaly_enabled(False)
torch.set_anomaly_enabled(True,False), torch.is_anomaly_check_nan_enabled(), torch.set_anomaly_enabled(False)
torch.set_anomaly_enabled(3)
torch.get_float32_matmul_precision()
torch.set_float32_matmul_precision('high'), torch.get_float32_matmul_precision(), torch.set_float32_matmul_precision('highest')
torch.set_float32_matmul_precision('foo'), torch.get_float32_matmul_precision()
torch.set_float32_matmul_precision(3)
torch.frobenius_norm(n,1), torch.frobenius_norm(n,(0,1),True)
torch.frobenius_norm(n,[])
torch.frobenius_norm(x,0)
torch.frobenius_norm(n.reshape(1,2,3),(0,1,2))
torch.frobenius_norm(i,0)
torch.nuclear_norm(n), torch.nuclear_norm(n,True),torch.nuclear_norm(n,(0,1)),torch.nuclear_norm(n,(0,1),True)
torch.nuclear_norm(n,dim=(0,1)), torch.nuclear_norm(n,keepdim=True)
torch.nuclear_norm(x)
torch.nuclear_norm(n,(0,))
torch.nuclear_norm(n.requires_grad_())
torch.constant_pad_nd(n,(1,1)), torch.constant_pad_nd(n,[1,-1,0,1],2.5), torch.constant_pad_nd(x,(1,0),2)
torch.constant_pad_nd(n,(1,))
torch.constant_pad_nd(n,(1,1,1,1,1,1))
torch.constant_pad_nd(n,(-5,1))
torch.constant_pad_nd(n,1)
torch.range(1,4), torch.range(0,1,0.25), torch.range(0,5.5,2), torch.range(4,1,-1.5), torch.range(0,1,0.1)
torch.range(1,4,dtype=torch.int64), torch.range(1.5,3.7,dtype=torch.int64), torch.range(1,3,dtype=torch.uint8)
torch.range(1,4,out=torch.zeros(4)), torch.range(1,4,requires_grad=True), torch.range(torch.tensor(1),3)
torch.range(1,4,-1)
torch.range(1,4,0)
torch.range(1,inf)
torch.range(1,3,dtype=torch.bool)
torch.range('a',3)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03\\x04'),dtype=torch.uint8)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03\\x04'),dtype=torch.int16,count=1,offset=2)
torch.frombuffer(bytearray(b''),dtype=torch.int16)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03'),dtype=torch.int16)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03'),dtype=torch.int16,count=4)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03'),dtype=torch.int16,offset=4)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03'),dtype=torch.int16,count=0)
torch.frombuffer(bytearray(b'\\x01\\x02\\x03'),dtype=torch.int16,offset=-1)
torch.frombuffer(3,dtype=torch.int8)
torch.frombuffer(bytearray(4),dtype=torch.float32,requires_grad=True)
torch.frombuffer(bytearray(4),dtype=torch.int32,requires_grad=True)
torch.set_default_tensor_type(torch.DoubleTensor), torch.ones(1), torch.set_default_tensor_type('torch.FloatTensor')
torch.set_default_tensor_type(torch.LongTensor)
torch.set_default_tensor_type('torch.Foo')
torch.set_default_tensor_type(3)
"""


@each(SMALL)
def test_older_names(expression: str) -> None:
    check(expression)


def test_a_buffer_is_shared_and_must_be_writable() -> None:
    memory = bytearray(8)
    minigrad.frombuffer(memory, dtype=minigrad.int32).add_(1)
    assert memory == b"\1\0\0\0\1\0\0\0"
    with pytest.raises(ValueError, match=r"not writable[^\n]*\n  Copy it into one that is: torch.frombuffer"):
        minigrad.frombuffer(bytes(8), dtype=minigrad.int32)
