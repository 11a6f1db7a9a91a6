INTERNAL=True
def gradcheck(): pass
def gradgradcheck(): pass
